import { describe, expect, test, vi } from 'vitest';
import { connectToLoader } from '../src/panel/link';
import { PORT, READY, acceptPort, isReady, readToLoader, readToPanel } from '../src/shared/port';

const desk = 'https://desk.example';
const shop = 'https://shop.example';
const frame = { name: "the panel's window" };
const parent = { name: "the shop's window" };
const settings = { presence: '0123456789abcdef0123456789abcdef', keep: true, language: 'es', full: false };

function port(): MessagePort {
  return new MessageChannel().port1;
}

describe('what the loader believes', () => {
  const good = { source: frame, origin: desk, data: READY };

  test("WID-01: the panel's call is heard", () => {
    expect(isReady(good, frame, desk)).toBe(true);
  });
  test('WID-01: the right window, but another origin has been loaded into it', () => {
    for (const origin of [shop, 'null', 'http://desk.example', 'https://desk.example.evil.example', 'https://desk.example:8443', ''])
      expect(isReady({ ...good, origin }, frame, desk)).toBe(false);
  });
  test('WID-02: the right origin, but another window of it', () => {
    for (const source of [parent, {}, null, undefined]) expect(isReady({ ...good, source }, frame, desk)).toBe(false);
  });
  test('WID-03: no frame yet: nobody is believed, not even nobody', () => {
    expect(isReady({ ...good, source: null }, null, desk)).toBe(false);
    expect(isReady({ ...good, source: undefined }, undefined, desk)).toBe(false);
  });
  test('WID-04: the panel names no address, and nothing that looks like one is taken from it', () => {
    for (const data of [
      'deskbell:ready:https://evil.example',
      { type: READY },
      { type: READY, origin: 'https://evil.example' },
      [READY],
      null,
      undefined,
      42,
    ])
      expect(isReady({ ...good, data }, frame, desk)).toBe(false);
    expect(readToLoader({ type: 'open_window', url: 'https://evil.example' })).toBeNull();
    expect(readToLoader({ type: 'close', url: 'https://evil.example' })).toEqual({ type: 'close' });
  });
  test('WID-04: a message through the port is taken apart field by field', () => {
    expect(readToLoader({ type: 'unread', count: 3, token: 'x' })).toEqual({ type: 'unread', count: 3 });
    expect(readToLoader({ type: 'resize', larger: true })).toEqual({ type: 'resize', larger: true });
    expect(readToLoader({ type: 'conversation', exists: false })).toEqual({ type: 'conversation', exists: false });
    for (const bad of [
      { type: 'unread', count: -1 },
      { type: 'unread', count: 1.5 },
      { type: 'unread', count: '<b>1</b>' },
      { type: 'unread', count: Number.NaN },
      { type: 'unread' },
      { type: 'resize', larger: 'yes' },
      { type: 'conversation' },
      { type: '__proto__' },
      [],
      'close',
      null,
    ])
      expect(readToLoader(bad)).toBeNull();
  });
});

describe('what the panel believes', () => {
  const good = () => ({ source: parent, origin: shop, data: { type: PORT, settings }, ports: [port()] });

  test('WID-05: the port and the settings of the embedding page are taken', () => {
    const message = good();
    expect(acceptPort(message, parent, shop)).toEqual({ port: message.ports[0], settings });
  });
  test('WID-05: foreign origins and foreign windows are not', () => {
    expect(acceptPort({ ...good(), origin: 'https://evil.example' }, parent, shop)).toBeNull();
    expect(acceptPort({ ...good(), origin: 'null' }, parent, shop)).toBeNull();
    expect(acceptPort({ ...good(), source: frame }, parent, shop)).toBeNull();
    expect(acceptPort({ ...good(), source: null }, null, shop)).toBeNull();
  });
  test('WID-05: malformed messages are not', () => {
    const bad: unknown[] = [
      PORT,
      null,
      { type: PORT },
      { type: PORT, settings: [] },
      { type: PORT, settings: { ...settings, presence: 'short' } },
      { type: PORT, settings: { ...settings, presence: 'Z'.repeat(32) } },
      { type: PORT, settings: { ...settings, language: '../../evil' } },
      { type: PORT, settings: { ...settings, keep: 1 } },
      { type: PORT, settings: { ...settings, full: undefined } },
      { type: READY, settings },
    ];
    for (const data of bad) expect(acceptPort({ ...good(), data }, parent, shop)).toBeNull();
    expect(acceptPort({ ...good(), ports: [] }, parent, shop)).toBeNull();
    expect(acceptPort({ ...good(), ports: [port(), port()] }, parent, shop)).toBeNull();
    expect(readToPanel({ type: 'settings', settings: { ...settings, token: 'x' } })).toEqual({ type: 'settings', settings });
    expect(readToPanel({ type: 'open' })).toBeNull();
    expect(readToPanel({ type: 'open', focus: true })).toEqual({ type: 'open', focus: true });
  });

  test('OD-37: a proof that a shop leaves empty is of nobody, and none at all says nothing', () => {
    const of = (identity: unknown) => acceptPort({ ...good(), data: { type: PORT, settings: { ...settings, identity } } }, parent, shop)?.settings.identity;
    expect([of('signed'), of(''), of(null)]).toEqual(['signed', null, null]);
    expect([of(undefined), of(7), of('x'.repeat(4097))]).toEqual([undefined, undefined, undefined]);
  });

  test('WID-06: the panel calls the named origin only, and takes one port and no second', async () => {
    const posted = vi.fn();
    const listeners = new Set<(event: unknown) => void>();
    const here = {
      parent: { postMessage: posted },
      addEventListener: (_: string, listener: (event: unknown) => void) => listeners.add(listener),
      removeEventListener: (_: string, listener: (event: unknown) => void) => listeners.delete(listener),
    };
    const linking = connectToLoader(here as unknown as Window, shop);
    expect(posted.mock.calls).toEqual([[READY, shop]]);
    const hear = (event: unknown) => {
      for (const listener of listeners) listener(event);
    };
    hear({ ...good(), source: here.parent, origin: 'https://evil.example' });
    expect(listeners.size).toBe(1);
    hear({ ...good(), source: here.parent });
    expect((await linking).settings).toEqual(settings);
    expect(listeners.size).toBe(0);
  });
});
