import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { View } from '../src/loader/view';
import { launcherTexts } from '../src/i18n/generated/launcher';

const nothing = { toggle() {}, retry() {}, near() {}, full() {} };
let ending: AbortController;

/** The launcher stands on Wen's page. What of it the page can see: its shadow root is closed. */
function launcher(): Element | undefined {
  ending = new AbortController();
  const before = new Set(document.querySelectorAll('*'));
  new View(launcherTexts('en'), nothing, ending.signal);
  return [...document.querySelectorAll('*')].find((element) => !before.has(element));
}
beforeEach(() => {
  // Nothing is laid out here.
  vi.stubGlobal('visualViewport', null);
});
afterEach(() => {
  ending.abort();
  vi.unstubAllGlobals();
});

test('the launcher stays where a shop puts another page into the same window', () => {
  const host = launcher();
  // As Turbo does, and as htmx does.
  document.body.replaceWith(document.createElement('body'));
  document.body.innerHTML = '<main>Teapots</main>';
  expect(host?.isConnected).toBe(true);
  ending.abort();
  expect(host?.isConnected).toBe(false);
});
