import type { Messages } from '../i18n/generated/types';
import type { Language } from '../shared/language';

const KB = 1024;

/** A time of day, e.g. `10:31`. */
export function clock(at: number, language: Language): string {
  return new Intl.DateTimeFormat(language, { hour: 'numeric', minute: '2-digit' }).format(at);
}

function day(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0);
}

/** Whether two times lie on the same day where the visitor is. */
export function sameDay(a: number, b: number): boolean {
  return day(a) === day(b);
}

/** The heading over a day's messages. */
export function dayName(at: number, now: number, m: Messages, language: Language): string {
  const yesterday = new Date(now);
  yesterday.setDate(yesterday.getDate() - 1);
  if (sameDay(at, now)) return m.today();
  if (sameDay(at, yesterday.getTime())) return m.yesterday();
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  const year = sameYear ? {} : { year: 'numeric' as const };
  return new Intl.DateTimeFormat(language, { day: 'numeric', month: 'long', ...year }).format(at);
}

/** When the desk is back, by the visitor's own clock: a time today, a day of the next six, or a date. */
export function backAt(at: number, now: number, language: Language): string {
  if (sameDay(at, now)) return clock(at, language);
  const week = new Date(now);
  week.setDate(week.getDate() + 6);
  const near = day(at) <= day(week.getTime());
  const date = near ? { weekday: 'long' as const } : { day: 'numeric' as const, month: 'long' as const };
  return new Intl.DateTimeFormat(language, { ...date, hour: 'numeric', minute: '2-digit' }).format(at);
}

/** A file's size with its unit. */
export function fileSize(bytes: number, m: Messages): string {
  if (bytes >= KB * KB) return m.sizeMb({ size: Math.round((bytes / KB / KB) * 10) / 10 });
  return m.sizeKb({ size: Math.max(1, Math.round(bytes / KB)) });
}

/** A text's length in Unicode scalar values, as the server counts. */
export function scalars(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/** A picture's size on screen: at most the given box, never larger than it is. */
export function fit(width: number, height: number, most: { width: number; height: number }): { width: number; height: number } {
  const scale = Math.min(1, most.width / Math.max(1, width), most.height / Math.max(1, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}
