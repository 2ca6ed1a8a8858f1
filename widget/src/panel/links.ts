/** A piece of a message: plain text, or an address that may be followed. */
export interface Piece {
  text: string;
  /** An `http` or `https` address. */
  href?: string;
}

const CANDIDATE = /\bhttps?:\/\/[^\s<>"'`\u0000-\u0020\u202a-\u202e\u2066-\u2069]+/giu;
/** Signs at the end of an address that belong to the sentence around it. */
const TRAILING = /[.,;:!?…»”’*_~\]]+$/u;

function cut(candidate: string): string {
  let address = candidate.replace(TRAILING, '');
  // A closing bracket belongs to the address only when it was opened there.
  while (address.endsWith(')') && address.split('(').length < address.split(')').length) {
    address = address.slice(0, -1).replace(TRAILING, '');
  }
  return address;
}

/**
 * Splits a message where addresses begin and end. The text of a link is exactly what was written, so nothing can
 * pose as another address.
 */
export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(CANDIDATE)) {
    const address = cut(match[0]);
    let url: URL;
    try {
      url = new URL(address);
    } catch {
      continue;
    }
    // A user name before the host is there to mislead.
    if ((url.protocol !== 'http:' && url.protocol !== 'https:') || url.username || url.password) continue;
    if (match.index > end) found.push({ text: text.slice(end, match.index) });
    found.push({ text: address, href: url.href });
    end = match.index + address.length;
  }
  if (end < text.length) found.push({ text: text.slice(end) });
  return found;
}
