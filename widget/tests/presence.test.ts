import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { keepPresence } from '../src/loader/presence';
import { STABLE_MS } from '../src/shared/constants';
import type { ServerFrame } from '../src/protocol.generated';

class FakeSocket {
  static readonly OPEN = 1;
  static all: FakeSocket[] = [];
  readyState = FakeSocket.OPEN;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
  constructor() {
    FakeSocket.all.push(this);
  }
  send(): void {}
  close(): void {}
  says(frame: Partial<ServerFrame>): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
}

const newest = () => FakeSocket.all.at(-1);
let page: AbortController;
let random: ReturnType<typeof vi.spyOn>;

/** How long it takes until another try, in milliseconds. */
function pauseAfter(end: () => void): number {
  const before = FakeSocket.all.length;
  end();
  const began = Date.now();
  while (FakeSocket.all.length === before && Date.now() - began < 60_000) vi.advanceTimersByTime(100);
  return Date.now() - began;
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('WebSocket', FakeSocket);
  random = vi.spyOn(Math, 'random').mockReturnValue(1);
  FakeSocket.all = [];
  page = new AbortController();
  const seen = () => ({ url: 'https://shop.example/', title: 'Shop', referrer: '', visible: true });
  keepPresence({ desk: 'https://desk.example', site: 'pk', key: '0', language: 'en', page: seen, onUnread() {} }, page.signal);
});

afterEach(() => {
  page.abort();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

test('DK-02: the pages of a shop come back over eight seconds, before the desk takes anybody for gone', () => {
  expect(pauseAfter(() => newest()?.onclose?.())).toBe(8_000);
  newest()?.says({ type: 'welcome' });
  vi.advanceTimersByTime(STABLE_MS + 1_000);
  newest()?.says({ type: 'hb' });
  random.mockReturnValue(0.5);
  expect(pauseAfter(() => newest()?.onclose?.())).toBe(4_300);
  random.mockReturnValue(0);
  expect(pauseAfter(() => newest()?.onclose?.())).toBe(500);
});

test('DK-02: while the desk is away a page tries ever more seldom, and at once when the browser has a network again', () => {
  const pauses = [1, 2, 3, 4].map(() => pauseAfter(() => newest()?.onclose?.()));
  expect(pauses).toEqual([8_000, 16_000, 30_000, 30_000]);
  expect(pauseAfter(() => {
    newest()?.onclose?.();
    dispatchEvent(new Event('online'));
  })).toBe(0);
});

test('DK-02: a page comes back when the desk said, and not at all where the desk does not know its site', () => {
  expect(pauseAfter(() => newest()?.says({ type: 'bye', code: 'drain', retry_after_ms: 20_000 }))).toBe(20_000);
  expect(pauseAfter(() => newest()?.says({ type: 'bye', code: 'origin', retry_after_ms: 0 }))).toBe(60_000);
});
