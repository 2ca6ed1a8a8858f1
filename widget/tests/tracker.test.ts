import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { seePage, watchPage } from '../src/loader/tracker';
import type { PageSeen } from '../src/protocol.generated';

describe('DK-03: the page on screen, in shops that only change the address', () => {
  let told: PageSeen[];
  let ending: AbortController;

  beforeEach(() => {
    vi.useFakeTimers();
    history.replaceState({}, '', '/');
    document.title = 'Home';
    told = [];
    ending = new AbortController();
    watchPage((page) => told.push(page), ending.signal);
  });
  afterEach(() => {
    ending.abort();
    vi.useRealTimers();
  });

  test('the title is read once the shop has set it, and a quick series is one page', () => {
    history.pushState({}, '', '/a');
    history.pushState({}, '', '/product/moss?variant=3#size');
    vi.advanceTimersByTime(300);
    document.title = 'Moss teapot';
    expect(told).toEqual([]);
    vi.advanceTimersByTime(500);
    expect(told).toEqual([
      { url: `${location.origin}/product/moss`, title: 'Moss teapot', referrer: '', visible: true },
    ]);
  });

  test('a change of query or hash alone is no page', () => {
    history.replaceState({}, '', '/?filter=green#top');
    vi.advanceTimersByTime(2_000);
    expect(told).toEqual([]);
  });

  test('it is told when the tab goes to the back and comes to the front', () => {
    const state = vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden');
    document.dispatchEvent(new Event('visibilitychange'));
    state.mockReturnValue('visible');
    document.dispatchEvent(new Event('visibilitychange'));
    expect(told.map(({ visible }) => visible)).toEqual([false, true]);
  });

  test('nothing is told after the end', () => {
    history.pushState({}, '', '/late');
    ending.abort();
    vi.advanceTimersByTime(2_000);
    document.dispatchEvent(new Event('visibilitychange'));
    expect(told).toEqual([]);
  });
});

test('DK-03: a shop that has frozen its history is seen page by page, and nothing breaks', () => {
  const frozen = Object.freeze({ pushState: history.pushState, replaceState: history.replaceState });
  vi.stubGlobal('history', frozen);
  const ending = new AbortController();
  expect(() => watchPage(() => {}, ending.signal)).not.toThrow();
  ending.abort();
  vi.unstubAllGlobals();
});

test('DK-08: where the visitor came from is told with the first page only', () => {
  vi.spyOn(document, 'referrer', 'get').mockReturnValue('https://search.example/?q=tea');
  expect(seePage(true).referrer).toBe('https://search.example/');
  expect(seePage(false).referrer).toBe('');
  vi.restoreAllMocks();
});
