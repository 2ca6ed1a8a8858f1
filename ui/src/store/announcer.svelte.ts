import { tick } from 'svelte';

/** What a screen reader says by itself. */
class Announcer {
  polite = $state('');
  assertive = $state('');
  /** What is to be said and is not drawn yet: several things may come at once. */
  #unsaid = { polite: '', assertive: '' };

  say(text: string): void {
    this.#put('polite', text);
  }

  alarm(text: string): void {
    this.#put('assertive', text);
  }

  #put(region: 'polite' | 'assertive', text: string): void {
    const unsaid = [this.#unsaid[region], text].filter(Boolean).join(' ');
    this.#unsaid[region] = unsaid;
    // The same sentence twice in a row is said twice only when the region changes in between.
    this[region] = this[region] === unsaid ? `${unsaid}\u00a0` : unsaid;
    void tick().then(() => (this.#unsaid[region] = ''));
  }
}

export const announcer = new Announcer();
