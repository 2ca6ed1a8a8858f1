/** Prepared texts begin with a number sign: `#`, or `№`, which is what a Russian keyboard has in its place; names with `@`. */

/** What is looked for: prepared texts or colleagues, by what stands between the sign and the caret, and where the sign is. */
export interface Picking {
  of: 'texts' | 'people';
  from: number;
  query: string;
}

/** What is looked for at the caret. `null`: no sign that begins a word. A name may be typed with its second word. */
export function pickerQuery(text: string, caret: number): Picking | null {
  const before = text.slice(0, caret);
  const texts = /(?:^|\s)[#№]([^\s#№]*)$/u.exec(before);
  const people = /(?:^|[\s(])@([^\s@]*(?: [^\s@]+)?)$/u.exec(before);
  const query = texts?.[1] ?? people?.[1];
  if (query === undefined) return null;
  return { of: texts ? 'texts' : 'people', from: caret - query.length - 1, query };
}

/** Whether a name stands in a text after an `@`, and is no part of a longer word. */
export function mentions(text: string, name: string): boolean {
  const letter = /[\p{L}\p{N}]/u;
  for (let at = text.indexOf(`@${name}`); at >= 0; at = text.indexOf(`@${name}`, at + 1)) {
    const after = text.slice(at + 1 + name.length);
    if (!letter.test(text.slice(0, at).at(-1) ?? '') && !letter.test(after.at(0) ?? '')) return true;
  }
  return false;
}

/** Placeholders that were not filled in, e.g. `{visitor.name}`. */
export function missingPlaceholders(text: string): string[] {
  return [...new Set(text.match(/\{(?:visitor|agent|site)\.[a-z_]+\}/gu) ?? [])];
}
