// What a shop's page loads: the launcher, the visitor's presence, and the door to the panel.
import { launcherTexts } from '../i18n/generated/launcher';
import { chooseLanguage } from '../shared/language';
import { PORT, type PanelSettings, type ToPanel, isReady, readToLoader } from '../shared/port';
import { randomName } from '../shared/random';
import { browserStore } from '../shared/safe-storage';
import { keepPresence } from './presence';
import { type Consent, mayKeep, mayRecognise, tracking } from './privacy';
import { seePage, watchPage } from './tracker';
import { View } from './view';

type Call = [command: string, ...rest: unknown[]];
type Listener = (value?: unknown) => void;
interface Deskbell {
  (...call: Call): void;
  /** Calls made before this script ran. */
  q?: ArrayLike<unknown>[];
  running?: boolean;
}

/** Names of what is kept in the shop's own storage. None of it opens the conversation. */
const PRESENCE_KEY = 'deskbell.presence';
const CHAT_KEY = 'deskbell.chat';
const OPEN_KEY = 'deskbell.open';
/** A panel that has not come up after this time is called unreachable, in milliseconds. */
const PANEL_MS = 10_000;

const script = document.currentScript;
const page = window as unknown as { Deskbell?: Deskbell };

if (script instanceof HTMLScriptElement) {
  const { src } = script;
  const { site, tracking: wanted, identity } = script.dataset;
  const begin = () => page.Deskbell?.running || start(new URL(src).origin, site ?? '', wanted ?? null, identity);
  if (document.body) begin();
  else addEventListener('DOMContentLoaded', begin, { once: true });
}

function start(desk: string, site: string, wanted: string | null, identity?: string | null): void {
  const ending = new AbortController();
  const { signal } = ending;
  const language = chooseLanguage([document.documentElement.lang, ...navigator.languages]);
  const { globalPrivacyControl = false } = navigator as { globalPrivacyControl?: boolean };
  const mode = tracking(wanted, globalPrivacyControl);
  const consent: Consent = {};
  const lasting = browserStore('localStorage');
  const passing = browserStore('sessionStorage');
  const keeper = () => (mayKeep(mode, consent) ? lasting : passing);
  const listeners = new Map<string, Listener[]>();

  // The visitor's name, and the connection that lives under it.
  const remembered = lasting.get(PRESENCE_KEY);
  const recognises = () => mayRecognise(mode, consent, remembered !== null);
  let key = recognises() && /^[0-9a-f]{32}$/.test(remembered ?? '') ? String(remembered) : randomName();
  let first = true;
  let session: AbortController | null = null;
  let tell: (seen: ReturnType<typeof seePage>) => void = () => {};

  const goPresent = () => {
    session?.abort();
    session = new AbortController();
    ({ tell } = keepPresence(
      {
        desk,
        site,
        key,
        language: navigator.language || language,
        page() {
          const seen = seePage(first);
          first = false;
          return seen;
        },
        onUnread,
      },
      session.signal,
    ));
  };

  /** Makes the visitor somebody else. */
  const rename = () => {
    if (mode !== 'off') {
      key = randomName();
      if (lasting.get(PRESENCE_KEY)) lasting.set(PRESENCE_KEY, key);
      goPresent();
    }
    configure();
  };

  // The panel.
  let port: MessagePort | null = null;
  let opened = false;
  let focusWanted = false;
  let unread = 0;
  let waiting: ReturnType<typeof setTimeout> | undefined;

  const settings = (): PanelSettings => ({
    presence: mode === 'off' ? null : key,
    keep: mayKeep(mode, consent),
    language,
    full: view.full,
    identity,
  });
  const say = (message: ToPanel) => port?.postMessage(message);
  const configure = () => say({ type: 'settings', settings: settings() });
  const emit = (event: string, value?: unknown) => {
    for (const listener of listeners.get(event) ?? []) {
      try {
        listener(value);
      } catch (error) {
        // A fault of the page's own script is the page's to see, and does not stop the chat.
        setTimeout(() => {
          throw error;
        });
      }
    }
  };

  function onUnread(count: number): void {
    if (count === unread) return;
    unread = count;
    view.setUnread(count);
    emit('unread', count);
  }

  const load = (anew = false) => {
    if (view.frameWindow && !anew) return;
    port?.close();
    port = null;
    const address = new URL('/w/panel', desk);
    address.searchParams.set('site', site);
    address.hash = String(new URLSearchParams({ host: location.origin, language }));
    view.load(address.href);
    clearTimeout(waiting);
    waiting = setTimeout(() => view.unreachable(), PANEL_MS);
  };
  const greet = () => {
    if (focusWanted) view.focusFrame();
    say({ type: 'open', focus: focusWanted });
  };
  const open = (focus = true) => {
    load();
    if (opened) return;
    opened = true;
    focusWanted = focus;
    passing.set(OPEN_KEY, '1');
    view.setShown(true);
    view.setOpen(true);
    if (port) greet();
    emit('open');
  };
  const close = () => {
    passing.set(OPEN_KEY, null);
    if (!opened) return;
    opened = false;
    view.setOpen(false);
    view.returnFocus();
    say({ type: 'close' });
    emit('close');
  };
  const toggle = () => (opened ? close() : open());

  const view = new View(
    launcherTexts(language),
    // The frame is fetched ahead, where the desk may hear of a visitor before they open the chat.
    { toggle, retry: () => load(true), near: () => mode !== 'off' && load(), full: configure },
    signal,
  );

  const hearPanel = (data: unknown) => {
    const message = readToLoader(data);
    switch (message?.type) {
      case 'close':
        close();
        break;
      case 'unread':
        onUnread(message.count);
        break;
      case 'resize':
        view.setLarger(message.larger);
        break;
      case 'identity':
        emit('identity');
        break;
      case 'conversation': {
        const store = keeper();
        // Whoever has the conversation forgotten is not recognised by the page either.
        if (!message.exists && store.get(CHAT_KEY)) rename();
        store.set(CHAT_KEY, message.exists ? '1' : null);
        break;
      }
    }
  };
  addEventListener(
    'message',
    (event) => {
      const { frameWindow } = view;
      if (!frameWindow || !isReady(event, frameWindow, desk)) return;
      clearTimeout(waiting);
      const channel = new MessageChannel();
      port?.close();
      port = channel.port1;
      port.onmessage = ({ data }) => hearPanel(data);
      frameWindow.postMessage({ type: PORT, settings: settings() }, desk, [channel.port2]);
      view.ready();
      if (opened) greet();
    },
    { signal },
  );

  // The page's own script.
  const decide = (what: unknown, given: unknown) => {
    if ((what !== 'storage' && what !== 'tracking') || typeof given !== 'boolean') return;
    const kept = mayKeep(mode, consent);
    const before = recognises();
    consent[what] = given;
    const now = recognises();
    lasting.set(PRESENCE_KEY, now ? key : null);
    if (before && !now) rename();
    if (kept !== mayKeep(mode, consent)) {
      const chat = lasting.get(CHAT_KEY) ?? passing.get(CHAT_KEY);
      lasting.set(CHAT_KEY, null);
      passing.set(CHAT_KEY, null);
      keeper().set(CHAT_KEY, chat);
    }
    configure();
  };
  const pageWatch = mode === 'off' ? null : watchPage((seen) => tell(seen), signal);
  const perform = (call: ArrayLike<unknown>) => {
    const [command, one, two] = Array.from(call);
    switch (command) {
      case 'open':
        open();
        break;
      case 'close':
        close();
        break;
      case 'toggle':
        toggle();
        break;
      case 'show':
      case 'hide':
        // Nobody would see what an open panel takes for read.
        if (command === 'hide') close();
        view.setShown(command === 'show');
        break;
      case 'page':
        pageWatch?.look();
        break;
      case 'identify':
        // What is no text does not pass the port, and would hold up all that follows.
        identity = typeof one === 'string' ? one : null;
        (identity ? configure : rename)();
        break;
      case 'consent':
        decide(one, two);
        break;
      case 'on':
        if (typeof two === 'function') listeners.set(String(one), [...(listeners.get(String(one)) ?? []), two as Listener]);
        break;
      case 'shutdown':
        session?.abort();
        clearTimeout(waiting);
        port?.close();
        ending.abort();
        delete page.Deskbell;
        break;
    }
  };

  const queue = page.Deskbell?.q ?? [];
  const api: Deskbell = (...call) => perform(call);
  api.running = true;
  page.Deskbell = api;
  // Consent first decides under which name the visitor appears at all.
  const calls = Array.from(queue);
  for (const call of calls) perform(call);
  if (signal.aborted) return;
  if (mode !== 'off' && !session) goPresent();

  // A conversation that is under way goes on: its answers are fetched, and a panel that was open is open again.
  if (passing.get(OPEN_KEY) && !view.full) open(false);
  else if (lasting.get(CHAT_KEY) ?? passing.get(CHAT_KEY)) {
    const idle = window.requestIdleCallback ?? ((fetchAnswers: () => void) => setTimeout(fetchAnswers, 1_000));
    idle(() => !signal.aborted && load());
  }
}
