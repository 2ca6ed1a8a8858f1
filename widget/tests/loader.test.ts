import { beforeEach, expect, test, vi } from 'vitest';
import { READY, type PanelSettings, type ToPanel } from '../src/shared/port';

/** The frame, which the page cannot look into. */
const frame = { postMessage: vi.fn() };
/** What is on screen of it. */
const screen = vi.hoisted(() => ({ shown: true, open: false }));
/** The pointer comes near the launcher. */
const pointer = vi.hoisted(() => ({ near: () => {} }));
const framed = vi.hoisted(() => vi.fn());
vi.mock('../src/loader/view', () => ({
  View: class {
    full = false;
    frameWindow: unknown = null;
    constructor(_: unknown, { near }: { near(): void }) {
      pointer.near = near;
    }
    load() {
      framed();
      this.frameWindow = frame;
    }
    ready() {}
    unreachable() {}
    setOpen(open: boolean) {
      screen.open = open;
    }
    setUnread() {}
    setLarger() {}
    setShown(shown: boolean) {
      screen.shown = shown;
    }
    focusFrame() {}
    returnFocus() {}
  },
}));
const present = vi.fn((_: { key: string }) => ({ tell() {} }));
vi.mock('../src/loader/presence', () => ({ keepPresence: present }));

type Deskbell = (...call: unknown[]) => void;
const page = window as unknown as { Deskbell?: Deskbell & { q?: unknown[][] } };

beforeEach(() => {
  vi.resetModules();
  page.Deskbell?.('shutdown');
  frame.postMessage.mockClear();
  framed.mockClear();
  present.mockClear();
  localStorage.clear();
  sessionStorage.clear();
});

/** Loads the shop's page and opens the messenger. What the panel is handed first, and what it is told then. */
async function load(identity?: string, tracking = 'full'): Promise<{ first: PanelSettings; told: ToPanel[]; port: MessagePort; early: boolean }> {
  const script = document.createElement('script');
  script.setAttribute('data-site', 'pk');
  script.setAttribute('data-tracking', tracking);
  if (identity !== undefined) script.setAttribute('data-identity', identity);
  Object.defineProperty(script, 'src', { value: 'https://desk.example/w/loader.js' });
  vi.spyOn(document, 'currentScript', 'get').mockReturnValue(script);
  await import('../src/loader/main');
  pointer.near();
  const early = framed.mock.calls.length > 0;
  page.Deskbell?.('open');
  dispatchEvent(new MessageEvent('message', { source: frame as unknown as Window, origin: 'https://desk.example', data: READY }));
  const [{ settings }, , [port]] = frame.postMessage.mock.calls[0] as [{ settings: PanelSettings }, string, [MessagePort]];
  const told: ToPanel[] = [];
  port.onmessage = ({ data }) => told.push(data as ToPanel);
  return { first: settings, told, port, early };
}

const settingsOf = (told: ToPanel[]) => told.filter((message) => message.type === 'settings').map(({ settings }) => settings);

test('OD-37: the panel is handed who the shop says it is, and a page that does not say is not one that says nobody', async () => {
  expect((await load()).first.identity).toBeUndefined();
  page.Deskbell?.('shutdown');
  vi.resetModules();
  frame.postMessage.mockClear();
  expect((await load('signed for vic')).first.identity).toBe('signed for vic');
});

test('OD-37: what was said before the loader ran counts, and so does what is said later', async () => {
  page.Deskbell = Object.assign(() => {}, { q: [['identify', 'signed for vic']] });
  const { first, told } = await load();
  expect(first.identity).toBe('signed for vic');
  page.Deskbell?.('identify', 'signed for wen');
  await vi.waitFor(() => expect(settingsOf(told).at(-1)).toMatchObject({ identity: 'signed for wen', presence: first.presence }));
});

test('OD-37: whoever signs out is nobody any more, also by the name of the browser', async () => {
  const { first, told } = await load('signed for vic');
  page.Deskbell?.('identify', null);
  await vi.waitFor(() => expect(settingsOf(told).at(-1)?.identity).toBeNull());
  expect(settingsOf(told).at(-1)?.presence).not.toBe(first.presence);
  expect(present.mock.lastCall?.[0].key).toBe(settingsOf(told).at(-1)?.presence);
});

test('OD-37: a panel that has to know anew who it is asks the shop', async () => {
  const { port } = await load('signed for vic');
  const asked = vi.fn();
  page.Deskbell?.('on', 'identity', asked);
  port.postMessage({ type: 'identity' });
  await vi.waitFor(() => expect(asked).toHaveBeenCalledOnce());
});

test('a shop that hides the messenger closes it, and one that opens it shows it', async () => {
  const { told } = await load();
  page.Deskbell?.('hide');
  expect(screen).toEqual({ shown: false, open: false });
  await vi.waitFor(() => expect(told.at(-1), 'nobody sees what arrives').toEqual({ type: 'close' }));
  page.Deskbell?.('open');
  expect(screen).toEqual({ shown: true, open: true });
});

test('a page that hides the messenger at once does not open it where the visitor left it open', async () => {
  await load();
  page.Deskbell?.('shutdown');
  vi.resetModules();
  Object.assign(screen, { shown: true, open: false });
  page.Deskbell = Object.assign(() => {}, { q: [['hide']] });
  await import('../src/loader/main');
  expect(screen).toEqual({ shown: false, open: false });
});

test('DK-03: where nothing is told of a visitor, the desk is not asked for anything before they open the chat', async () => {
  expect((await load(undefined, 'off')).early).toBe(false);
  expect(present).not.toHaveBeenCalled();
  page.Deskbell?.('shutdown');
  vi.resetModules();
  frame.postMessage.mockClear();
  expect((await load()).early, 'elsewhere it is there sooner').toBe(true);
});

test('OD-37: a page that hands over something else than a token says that nobody is signed in, and the chat goes on', async () => {
  const { told } = await load('signed for vic');
  page.Deskbell?.('identify', Promise.resolve('signed for vic'));
  await vi.waitFor(() => expect(settingsOf(told).at(-1)?.identity).toBeNull());
});

test('a page that brings the messenger twice, before it has a body, has it once', async () => {
  const script = document.createElement('script');
  Object.defineProperty(script, 'src', { value: 'https://desk.example/w/loader.js' });
  vi.spyOn(document, 'currentScript', 'get').mockReturnValue(script);
  const body = vi.spyOn(document, 'body', 'get').mockReturnValue(null as never);
  for (let time = 0; time < 2; time += 1) {
    vi.resetModules();
    await import('../src/loader/main');
  }
  body.mockRestore();
  dispatchEvent(new Event('DOMContentLoaded'));
  expect(present).toHaveBeenCalledOnce();
});
