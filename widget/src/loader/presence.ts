// The loader's own connection. It tells the desk which page is on screen, and learns how many replies wait and
// whether the team is there. No message text goes through it, and no secret of the visitor's.
import { APP, DEAD_MS, HEARTBEAT_MS, PROTOCOL, STABLE_MS, SUBPROTOCOL } from '../shared/constants';
import { pause } from '../shared/random';
import type { ClientFrame, PageSeen, ServerFrame } from '../protocol.generated';

/** What the connection says of itself and reports. */
export interface PresenceSettings {
  /** The desk's origin. */
  desk: string;
  /** The site's public key. */
  site: string;
  /** 32 hexadecimal digits. */
  key: string;
  /** A BCP 47 tag. */
  language: string;
  /** The page on screen, asked for at each connection. */
  page(): PageSeen;
  onUnread(count: number): void;
}

/** Keeps a connection until `signal` ends it. Returns how to tell of another page. */
export function keepPresence(settings: PresenceSettings, signal: AbortSignal): { tell(page: PageSeen): void } {
  let socket: WebSocket | null = null;
  let welcome = false;
  let attempt = 0;
  let heardAt = 0;
  /** Infinity: the desk has not welcomed it. */
  let openedAt = Infinity;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let refused = false;

  const send = (frame: ClientFrame) => {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
  };
  const drop = () => {
    const old = socket;
    socket = null;
    welcome = false;
    if (!old) return;
    old.onopen = old.onmessage = old.onclose = null;
    old.close();
  };
  const later = (atLeastMs = 0) => {
    drop();
    if (signal.aborted || refused) return;
    if (Date.now() - openedAt > STABLE_MS) attempt = 0;
    openedAt = Infinity;
    clearTimeout(retry);
    // Nobody waits for this connection: the pages of a shop come back over eight seconds, and those who talk before
    // them. Within ten the desk takes a visitor for one who never left.
    retry = setTimeout(connect, Math.max(atLeastMs, pause(attempt + 3, Math.random())));
    attempt += 1;
  };
  const hear = (frame: ServerFrame) => {
    heardAt = Date.now();
    if (frame.type === 'welcome') {
      welcome = true;
      openedAt = heardAt;
      if (frame.visitor) settings.onUnread(frame.visitor.unread);
    } else if (frame.type === 'eph' && frame.kind === 'unread') settings.onUnread(frame.count);
    else if (frame.type === 'bye') {
      // Coming back does not help where the desk does not know the site or speaks another version.
      refused = frame.code === 'origin' || frame.code === 'version';
      later(frame.code === 'policy' ? 30_000 : frame.retry_after_ms);
    }
  };
  const connect = () => {
    clearTimeout(retry);
    if (socket || signal.aborted || refused) return;
    const opened = new WebSocket(`${settings.desk.replace(/^http/, 'ws')}/v1/socket`, SUBPROTOCOL);
    socket = opened;
    heardAt = Date.now();
    opened.onopen = () =>
      send({
        type: 'hello',
        protocol: PROTOCOL,
        app: APP,
        cursor: null,
        visitor: {
          site: settings.site,
          part: 'page',
          token: null,
          presence: settings.key,
          page: settings.page(),
          language: settings.language,
          screen: `${screen.width}×${screen.height}`,
        },
      });
    opened.onmessage = ({ data }) => {
      try {
        hear(JSON.parse(String(data)) as ServerFrame);
      } catch {
        // Not a frame: skipped, like a frame of a type that this version does not know.
      }
    };
    opened.onclose = () => later();
  };
  const wake = () => {
    if (document.visibilityState !== 'visible') return;
    if (socket && Date.now() - heardAt > HEARTBEAT_MS + 5_000) drop();
    connect();
  };

  const beat = setInterval(() => {
    if (!socket) return;
    if (Date.now() - heardAt > DEAD_MS) later();
    else if (welcome) send({ type: 'hb', time: Date.now() });
  }, HEARTBEAT_MS);
  addEventListener('online', wake, { signal });
  addEventListener('pageshow', wake, { signal });
  document.addEventListener('visibilitychange', wake, { signal });
  addEventListener('pagehide', drop, { signal });
  signal.addEventListener('abort', () => {
    clearInterval(beat);
    clearTimeout(retry);
    drop();
  });
  connect();
  return {
    tell(page) {
      if (welcome) send({ type: 'eph', kind: 'page', page });
    },
  };
}
