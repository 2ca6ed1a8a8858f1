import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Session } from '../src/panel/session.svelte';
import type { PanelSettings } from '../src/shared/port';

const settings: PanelSettings = { presence: null, keep: true, language: 'en', full: false };

/** The browser's locks: one holder of each name, in all tabs, and those who wait for it. */
class Locks {
  private readonly last = new Map<string, Promise<unknown>>();

  request(name: string, { signal }: { signal: AbortSignal }, held: () => Promise<void>): Promise<void> {
    const before = this.last.get(name) ?? Promise.resolve();
    const given = before.then(() => {
      if (signal.aborted) throw new DOMException('', 'AbortError');
      return held();
    });
    this.last.set(name, given.catch(() => undefined));
    return given;
  }
}

let tabs: Session[];
function tab(): Session {
  const opened = new Session('pk', settings);
  tabs.push(opened);
  return opened;
}
/** Lets locks go from hand to hand. */
const pass = () => new Promise((done) => setTimeout(done));

beforeEach(() => {
  tabs = [];
  localStorage.clear();
  sessionStorage.clear();
  Object.defineProperty(navigator, 'locks', { configurable: true, value: new Locks() });
});
afterEach(() => {
  for (const opened of tabs) opened.end();
  Reflect.deleteProperty(navigator, 'locks');
  vi.unstubAllGlobals();
});

test('OD-37: whoever changes their mind about what may be kept goes on sending, there and back', async () => {
  const vic = tab();
  await pass();
  expect(vic.state.sender).toBe(true);
  for (const keep of [false, true]) {
    vic.configure({ ...settings, keep });
    await pass();
    expect(vic.state.sender, `keep: ${keep}`).toBe(true);
  }
});

test('OD-37: a tab that shares its messages no more sends them itself, and the next in line is not held up by it', async () => {
  const [one, two, three] = [tab(), tab(), tab()];
  await pass();
  expect([one.state.sender, two.state.sender, three.state.sender]).toEqual([true, false, false]);
  two.configure({ ...settings, keep: false });
  await pass();
  expect([one.state.sender, two.state.sender, three.state.sender]).toEqual([true, true, false]);
  one.configure({ ...settings, keep: false });
  await pass();
  expect(three.state.sender).toBe(true);
});
