/** For how long a chat can be put off. */
import { until, words } from '../../i18n/index.svelte';
import type { ConversationRow } from '../../platform';

const HOUR_MS = 60 * 60 * 1000;
/** A day of work begins at this hour, where the agent is. */
const MORNING = 9;
const MONDAY = 1;

function morning(now: number, days: number): number {
  const day = new Date(now);
  // The calendar counts the days, because those on which clocks are changed are not 24 hours long.
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() + days, MORNING).getTime();
}

/** In an hour, tomorrow morning, and on the morning of the next Monday, which is never today. */
export function times(now: number): { hour: number; tomorrow: number; monday: number } {
  const days = (7 + MONDAY - new Date(now).getDay()) % 7 || 7;
  return { hour: now + HOUR_MS, tomorrow: morning(now, 1), monday: morning(now, days) };
}

/** Until when a chat is put off, in words. */
export function snoozedText(row: Pick<ConversationRow, 'snoozed_until'>, now: number): string {
  return row.snoozed_until === null ? words.m.snoozedUntilReply() : words.m.snoozedUntil({ time: until(row.snoozed_until, now) });
}
