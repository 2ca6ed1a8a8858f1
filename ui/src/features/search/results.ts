/** What the list of results does, without the page. */

/** The filters, in the order of the help. */
export const FILTERS = ['from', 'to', 'in', 'page', 'tag', 'has', 'before', 'after'] as const;
export type Filter = (typeof FILTERS)[number];

/** The text with a filter to be filled in at its end, in the place of another one that is still empty. */
export function withFilter(text: string, filter: Filter): string {
  const rest = text.replace(new RegExp(`(^|\\s)(${FILTERS.join('|')}):$`, 'i'), '').trimEnd();
  return rest === '' ? `${filter}:` : `${rest} ${filter}:`;
}

/** The result that an arrow key picks; after the last one comes the first. */
export function step(picked: number, by: 1 | -1, count: number): number {
  return count === 0 ? 0 : (picked + by + count) % count;
}
