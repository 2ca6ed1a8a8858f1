/** Prepared texts begin with a number sign: `#`, or `№`, which is what a Russian keyboard has in its place. */

/** What stands between the sign and the caret, and where the sign is. `null`: no sign that begins a word. */
export function pickerQuery(text: string, caret: number): { from: number; query: string } | null {
  const match = /(?:^|\s)([#№])([^\s#№]*)$/u.exec(text.slice(0, caret));
  if (!match) return null;
  const query = match[2] ?? '';
  return { from: caret - query.length - 1, query };
}

/** Placeholders that were not filled in, e.g. `{visitor.name}`. */
export function missingPlaceholders(text: string): string[] {
  return [...new Set(text.match(/\{(?:visitor|agent|site)\.[a-z_]+\}/gu) ?? [])];
}
