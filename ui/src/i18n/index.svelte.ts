/** The words of the page, in the language that is set. */
import type { Language } from '../platform';
import { messages as en } from './generated/en';
import { messages as es } from './generated/es';
import { messages as ru } from './generated/ru';
import type { Messages } from './generated/types';

const CATALOGUES: Record<Language, Messages> = { en, es, ru };

/** The catalogue's language for a choice; without one, the system's, or English. */
export function languageOf(choice: Language | null, tags: readonly string[] = navigator.languages): Language {
  if (choice) return choice;
  for (const tag of tags) {
    const short = tag.slice(0, 2).toLowerCase();
    if (short === 'en' || short === 'es' || short === 'ru') return short;
  }
  return 'en';
}

class Words {
  language = $state<Language>('en');
  m = $derived(CATALOGUES[this.language]);

  use(language: Language): void {
    this.language = language;
    document.documentElement.lang = language;
  }
}

export const words = new Words();

/** 10:42, with twenty-four hours in every language: a clock in a list must not change its width. */
export function clock(at: number): string {
  return new Intl.DateTimeFormat(words.language, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(at);
}

/** Today's times as a clock, older ones as a short date. */
export function shortTime(at: number, now: number): string {
  if (new Date(at).toDateString() === new Date(now).toDateString()) return clock(at);
  return new Intl.DateTimeFormat(words.language, { day: 'numeric', month: 'short' }).format(at);
}

/** A time to come: today's as a clock, another day's with the day. */
export function until(at: number, now: number): string {
  if (new Date(at).toDateString() === new Date(now).toDateString()) return clock(at);
  const year = new Date(at).getFullYear() === new Date(now).getFullYear() ? undefined : 'numeric';
  return new Intl.DateTimeFormat(words.language, {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).format(at);
}

/** 21 November 2026 */
export function day(at: number): string {
  return new Intl.DateTimeFormat(words.language, { day: 'numeric', month: 'long', year: 'numeric' }).format(at);
}

/** Date and time, whole. */
export function exactTime(at: number): string {
  return new Intl.DateTimeFormat(words.language, { dateStyle: 'long', timeStyle: 'medium' }).format(at);
}

/** A length of time as minutes and seconds, or hours and minutes: 0:42, 12:04, 3:05:00. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (n: number) => String(n).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** The name of a country in the page's language. */
export function country(code: string): string {
  try {
    return new Intl.DisplayNames([words.language], { type: 'region' }).of(code) ?? code;
  } catch {
    return code;
  }
}

/** The name of a language in the page's language. */
export function languageName(tag: string): string {
  try {
    return new Intl.DisplayNames([words.language], { type: 'language' }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

/** 1.2 MB */
export function fileSize(bytes: number): string {
  const unit = bytes < 1_000_000 ? 'kilobyte' : 'megabyte';
  const value = bytes < 1_000_000 ? Math.max(1, bytes / 1000) : bytes / 1_000_000;
  return new Intl.NumberFormat(words.language, { style: 'unit', unit, maximumFractionDigits: 1 }).format(value);
}
