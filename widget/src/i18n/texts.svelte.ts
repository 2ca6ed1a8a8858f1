import type { Language } from '../shared/language';
import type { Messages } from './generated/types';

const load: Record<Language, () => Promise<{ messages: Messages }>> = {
  en: () => import('./generated/en'),
  es: () => import('./generated/es'),
  ru: () => import('./generated/ru'),
};

/** The texts of the language in use. */
class Texts {
  /** Ready once `speak` has been awaited. */
  m = $state.raw() as Messages;
  language = $state<Language>('en');

  /** Fetches a language and switches to it. */
  async speak(language: Language): Promise<void> {
    const { messages } = await load[language]();
    this.m = messages;
    this.language = language;
    document.documentElement.lang = language;
  }
}

export const texts = new Texts();
