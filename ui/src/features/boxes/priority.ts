import { words } from '../../i18n/index.svelte';
import type { Priority } from '../../platform';

/** From the most pressing to none. */
export const PRIORITIES: readonly Priority[] = ['urgent', 'high', 'medium', 'low', 'none'];

export function priorityText(priority: Priority): string {
  const texts: Record<Priority, () => string> = {
    none: words.m.priorityNone,
    low: words.m.priorityLow,
    medium: words.m.priorityMedium,
    high: words.m.priorityHigh,
    urgent: words.m.priorityUrgent,
  };
  return texts[priority]();
}
