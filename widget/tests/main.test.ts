import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { READY } from '../src/shared/port';

/** The shop's page around the frame. */
const shop = { postMessage: vi.fn() };
const own = Object.getOwnPropertyDescriptor(window, 'parent');

beforeEach(() => {
  vi.resetModules();
  shop.postMessage.mockClear();
  Object.defineProperty(window, 'parent', { configurable: true, value: shop });
  vi.spyOn(console, 'error').mockImplementation(() => {});
  location.hash = '#host=https://shop.example&language=es';
});
afterEach(() => {
  Object.defineProperty(window, 'parent', own ?? {});
  vi.doUnmock('../src/i18n/generated/es');
  vi.restoreAllMocks();
});

test('a frame without words does not say that it runs, so that the page says that the chat cannot be reached', async () => {
  vi.doMock('../src/i18n/generated/es', () => Promise.reject(new Error('404')));
  await import('../src/panel/main');
  await vi.waitFor(() => expect(console.error).toHaveBeenCalled());
  expect(shop.postMessage).not.toHaveBeenCalled();
});

test('a frame that has its words says so to the page', async () => {
  await import('../src/panel/main');
  await vi.waitFor(() => expect(shop.postMessage).toHaveBeenCalledWith(READY, 'https://shop.example'));
});
