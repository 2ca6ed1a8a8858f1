/** Where a visitor's address lies, in words. */
import { country, words } from '../../i18n/index.svelte';
import type { Region } from '../../platform';

export function regionText(region: Region): string {
  if (region.local) return words.m.regionLocal();
  const parts = [region.city, region.country === null ? null : country(region.country)].filter(Boolean);
  return parts.join(', ') || words.m.regionUnknown();
}
