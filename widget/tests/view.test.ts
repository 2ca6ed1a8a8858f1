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

test('the launcher stays where a shop puts another page into the same window', async () => {
  for (const swap of [
    // As Turbo does, and as htmx does.
    () => document.body.replaceWith(document.createElement('body')),
    () => document.body.replaceChildren(),
  ]) {
    const host = launcher();
    expect(host?.parentElement, 'React takes a page with anything beside its body for broken').toBe(document.body);
    swap();
    await vi.waitFor(() => expect(host?.isConnected).toBe(true));
    swap();
    expect(host?.isConnected, 'its frame is not loaded anew for each page').toBe(true);
    ending.abort();
    await new Promise((done) => setTimeout(done));
    expect(host?.isConnected).toBe(false);
  }
});

test('a page that takes the launcher away again and again is not kept busy by it', async () => {
  const host = launcher();
  for (let time = 0; time < 2; time += 1) {
    host?.remove();
    await new Promise((done) => setTimeout(done));
  }
  expect(host?.isConnected).toBe(false);
});
