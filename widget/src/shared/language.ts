/** The languages the widget speaks. */
export const LANGUAGES = ['en', 'es', 'ru'] as const;

/** One of them. */
export type Language = (typeof LANGUAGES)[number];

/**
 * The first of the wanted languages that the widget speaks, else English.
 *
 * @param wanted BCP 47 tags, the most wanted first; empty ones are skipped
 */
export function chooseLanguage(wanted: readonly (string | null | undefined)[]): Language {
  for (const tag of wanted) {
    const primary = tag?.trim().toLowerCase().split(/[-_]/)[0];
    const found = LANGUAGES.find((language) => language === primary);
    if (found) return found;
  }
  return 'en';
}
