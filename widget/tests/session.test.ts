import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Session } from '../src/panel/session.svelte';
import { SENT_KEPT_MS, type OutboxItem } from '../src/panel/sync';
import { Vault } from '../src/panel/vault';
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
function tab(identity?: string): Session {
  const opened = new Session('pk', { ...settings, identity });
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

test('OD-37: where a page never says that somebody is gone, their words stay for a week and no longer', () => {
  const written = (text: string, client_time: number): OutboxItem => ({ client_id: text.padStart(32, '0'), text, attachments: [], client_time, failed: null });
  const now = Date.now();
  const [lately, longAgo] = [now - SENT_KEPT_MS + 60_000, now - SENT_KEPT_MS - 60_000];
  const [nobody, vic] = [new Vault('pk', true), new Vault('pk', true, 'vic')];
  for (const vault of [nobody, vic]) {
    vault.put(written('a', lately));
    vault.put(written('b', longAgo));
    vault.putSent({ item: written('c', 0), epoch: 'e', done_at: lately });
    vault.putSent({ item: written('d', 0), epoch: 'e', done_at: longAgo });
  }
  const another = new Vault('another site', true, 'vic');
  another.put(written('b', longAgo));
  const words = ({ items, sent }: Vault) => [...items.map(({ text }) => text), ...sent.map(({ item }) => item.text)].join('');
  expect(tab().state.sent.map(({ item }) => item.text)).toEqual(['c']);
  expect(words(nobody), 'what was not sent yet still goes, for it is theirs who are there').toBe('bac');
  expect(words(vic)).toBe('ac');
  expect(words(another)).toBe('b');

  vic.put(written('b', longAgo));
  expect(tab('vic').state.outbox.map(({ text }) => text)).toEqual(['b', 'a']);
});

test('OD-33: a visitor whose clock was set back is connected again as soon as anybody', () => {
  vi.useFakeTimers();
  const sockets: Socket[] = [];
  class Socket {
    onclose: (() => void) | null = null;
    constructor() {
      sockets.push(this);
    }
    close() {}
  }
  vi.stubGlobal('WebSocket', Socket);
  try {
    const vic = tab();
    vic.start();
    sockets[0]?.onclose?.();
    expect(vic.state.phase).toBe('offline');
    vi.setSystemTime(Date.now() - 3 * 60 * 60_000);
    vi.advanceTimersByTime(2_000);
    expect(sockets).toHaveLength(2);
  } finally {
    vi.useRealTimers();
  }
});
