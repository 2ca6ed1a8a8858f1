// What of a page's address and title leaves the visitor's browser.

const EMAIL = /[^\s/@?&=#]+(?:@|%40)[^\s/@?&=#]+\.[a-z]{2,}/gi;
/** 12 to 19 digits, alone or in groups, as on a payment card. */
const CARD = /\d(?:[ \-]?\d){11,18}/g;
const UUID = /[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/gi;
/** Three dotted parts of which the first begins like every JSON Web Token. */
const JSON_TOKEN = /eyJ[\w-]+\.[\w-]+\.[\w-]*/g;
/** A long run of letters and digits mixed; words and years of a readable address are shorter. */
const TOKEN = /(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{20,}/g;
/** The same with `_` and `-`, when capitals and digits are mixed in as no readable address does. */
const MIXED_TOKEN = /(?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?=[\w-]*\d)[\w-]{24,}/g;
const MASK = '***';
const TITLE_MAX = 200;
const URL_MAX = 1_000;

/** Replaces e-mail addresses, tokens and card numbers by `***`. */
export function mask(text: string): string {
  return [EMAIL, UUID, JSON_TOKEN, CARD, MIXED_TOKEN, TOKEN].reduce((masked, secret) => masked.replace(secret, MASK), text);
}

/** Origin and path of an address, masked; of the query only `utm_…` stays, masked. Empty when it is not a page. */
export function maskUrl(address: string): string {
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    return '';
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return '';
  const campaign = [...url.searchParams]
    .filter(([name]) => /^utm_[a-z]+$/.test(name))
    .map(([name, value]) => `${name}=${encodeURIComponent(mask(value))}`);
  const path = url.pathname.split('/').map(mask).join('/');
  return `${url.origin}${path}${campaign.length > 0 ? `?${campaign.join('&')}` : ''}`.slice(0, URL_MAX);
}

/** A page's title, masked and of bounded length. */
export function maskTitle(title: string): string {
  return mask(title.replace(/\s+/g, ' ').trim().slice(0, TITLE_MAX));
}
