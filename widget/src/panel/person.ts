// Who the shop says is there, as far as the panel has to know: two tokens of one person are one person. What is true of
// them the desk alone decides.

/** The shop's name for whom a token is about; the token itself where that cannot be read. Empty: nobody. */
export function personOf(identity: string | null | undefined): string {
  if (!identity) return '';
  try {
    const claims = identity.split('.')[1] ?? '';
    const bytes = Uint8Array.from(atob(claims.replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0));
    const { sub } = JSON.parse(new TextDecoder().decode(bytes)) as { sub?: unknown };
    return typeof sub === 'string' && sub ? sub : identity;
  } catch {
    return identity;
  }
}
