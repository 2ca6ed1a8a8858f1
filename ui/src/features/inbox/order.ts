/** In which order the chats stand. */
import type { ConversationRef } from '../../platform';

/**
 * Puts newest rows in their own order, or, while it is held, on the places where they stood: nothing may move between
 * a pointer and its click. New ones come last. One that is gone stays as it was, so that those below keep their place.
 */
export function arrange<Row extends { id: ConversationRef }>(newest: readonly Row[], shown: readonly Row[], held: boolean): readonly Row[] {
  if (!held) return newest;
  const now = new Map(newest.map((row) => [row.id, row]));
  const stood = new Set(shown.map((row) => row.id));
  return [...shown.map((row) => now.get(row.id) ?? row), ...newest.filter((row) => !stood.has(row.id))];
}
