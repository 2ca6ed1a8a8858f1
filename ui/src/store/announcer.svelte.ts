/** What a screen reader says by itself. Two regions at the page's root draw it. */
class Announcer {
  polite = $state('');
  assertive = $state('');

  say(text: string): void {
    // The same sentence twice in a row is said twice only when the region changes in between.
    this.polite = this.polite === text ? `${text}\u00a0` : text;
  }

  alarm(text: string): void {
    this.assertive = this.assertive === text ? `${text}\u00a0` : text;
  }
}

export const announcer = new Announcer();
