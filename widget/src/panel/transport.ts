// How frames travel: through a WebSocket, or through requests where a network blocks sockets. `step` never knows which.
import type { ClientFrame, Cursor, HistoryRequest, Seq, ServerFrame, SnapshotAt } from '../protocol.generated';
import { SUBPROTOCOL } from '../shared/constants';
import { readFrame } from './sync';

/** Sockets that fail in a row before requests are tried. */
const FAILURES = 2;
/** The first pause before a socket is tried again while requests work, and the longest, in milliseconds. */
const AGAIN_MS = 2 * 60_000;
const AGAIN_MAX_MS = 30 * 60_000;
/** How long the server may wait for news, in milliseconds. */
const WAIT_MS = 25_000;
/** An answer without news comes no sooner than this after the one before, in milliseconds. */
const LEAST_MS = 500;
/** The change of a command that is done has to come within this time, or it is asked for, in milliseconds. */
const CHANGE_MS = 300;

/** What a connection tells. */
export interface Listener {
  opened(): void;
  frame(frame: ServerFrame): void;
  closed(): void;
}

/** A connection, whatever it is made of. */
export interface Connection {
  send(frame: ClientFrame): void;
  close(): void;
}

/** Decides between sockets and requests. Reads no clock and draws no random number. */
export class Choice {
  private failures = 0;
  private tries = 0;
  private againAt: number | null = null;

  /** Whether a new connection should be made of requests. */
  overHttp(now: number): boolean {
    return this.againAt === null ? this.failures >= FAILURES : now < this.againAt;
  }

  /** A socket ended before it brought a frame. */
  socketFailed(now: number, random: number): void {
    this.failures += 1;
    if (this.againAt !== null) this.later(now, random);
  }

  /** A socket brought a frame. */
  socketWorks(): void {
    this.failures = 0;
    this.tries = 0;
    this.againAt = null;
  }

  /** Requests brought a frame. */
  httpWorks(now: number, random: number): void {
    if (this.againAt === null) this.later(now, random);
  }

  /** Requests failed too: the network is gone altogether, which says nothing about sockets. */
  httpFailed(): void {
    this.socketWorks();
  }

  /** Whether a connection of requests should make room for a socket. */
  isDue(now: number): boolean {
    return this.againAt !== null && now >= this.againAt;
  }

  private later(now: number, random: number): void {
    const pause = Math.min(AGAIN_MS * 2 ** Math.min(this.tries, 10), AGAIN_MAX_MS);
    this.tries += 1;
    this.againAt = now + pause * (0.5 + random);
  }
}

/** Opens a connection with the desk that serves this page. */
export function connect(choice: Choice, token: () => string | null, listener: Listener): Connection {
  let heard = false;
  const http = choice.overHttp(Date.now());
  /** It ended or was given up, perhaps before anything came. */
  const gone = () => {
    if (!heard && http) choice.httpFailed();
    else if (!heard) choice.socketFailed(Date.now(), Math.random());
    heard = true;
  };
  const told: Listener = {
    ...listener,
    frame(frame) {
      if (!heard) {
        heard = true;
        if (http) choice.httpWorks(Date.now(), Math.random());
        else choice.socketWorks();
      }
      listener.frame(frame);
    },
    closed() {
      gone();
      listener.closed();
    },
  };
  const connection = http ? new Requests(token, told, () => choice.isDue(Date.now())) : openSocket(told);
  return {
    send: (frame) => connection.send(frame),
    close() {
      gone();
      connection.close();
    },
  };
}

function openSocket(listener: Listener): Connection {
  const address = new URL('/v1/socket', location.href);
  address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new WebSocket(address, SUBPROTOCOL);
  socket.onopen = () => listener.opened();
  socket.onmessage = ({ data }) => {
    const frame = typeof data === 'string' ? readFrame(data) : null;
    if (frame) listener.frame(frame);
  };
  socket.onclose = () => listener.closed();
  return {
    send(frame) {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
    },
    close() {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    },
  };
}

type Hello = Extract<ClientFrame, { type: 'hello' }>;

/** A connection made of requests. */
export class Requests implements Connection {
  private readonly ending = new AbortController();
  private hello: Hello | null = null;
  private epoch = '';
  private cursor: Cursor | null = null;
  private snapshot: { generation: string; base: Seq } | null = null;
  private page: SnapshotAt | null = null;
  private history: HistoryRequest[] = [];
  private presence = '';
  private readonly toSend: ClientFrame[] = [];
  private sending = false;
  private asking: AbortController | null = null;
  private hurried = false;

  constructor(
    private readonly token: () => string | null,
    private readonly listener: Listener,
    /** Whether a socket should be tried in its place. */
    private readonly isDue: () => boolean,
  ) {
    queueMicrotask(() => !this.ended && listener.opened());
  }

  close(): void {
    this.ending.abort();
  }

  send(frame: ClientFrame): void {
    switch (frame.type) {
      case 'hello':
        this.hello = frame;
        this.cursor = frame.cursor;
        void this.run();
        break;
      case 'snap_next':
        if (this.snapshot?.generation === frame.generation) {
          this.page = { epoch: this.epoch, ...this.snapshot, token: frame.token };
        }
        break;
      case 'hist': {
        const { request, conversation, before, limit } = frame;
        this.history.push({ request, conversation, before, limit });
        this.interrupt();
        break;
      }
      case 'cmd':
      case 'eph':
        this.toSend.push(frame);
        void this.flush();
        break;
      // Every request is a sign of life, and tells how far this is.
      case 'hb':
      case 'seen':
        break;
    }
  }

  private get ended(): boolean {
    return this.ending.signal.aborted;
  }

  /** Asks anew, without waiting for news. What the request under way would have brought comes with the next. */
  private interrupt(): void {
    if (this.hello) return;
    this.hurried = true;
    this.asking?.abort();
  }

  private async run(): Promise<void> {
    try {
      while (!this.ended) {
        if (this.isIdle() && this.isDue()) return this.end();
        const began = performance.now();
        this.asking = new AbortController();
        const signal = AbortSignal.any([this.asking.signal, this.ending.signal]);
        const frames = await this.ask(signal).catch((cause: unknown) => {
          if (this.asking?.signal.aborted && !this.ended) return null;
          throw cause;
        });
        this.asking = null;
        if (frames === null) continue;
        for (const frame of frames) this.hand(frame);
        const news = frames.some(({ type }) => type !== 'hb');
        const early = LEAST_MS - (performance.now() - began);
        if (!news && !this.hurried && early > 0) await new Promise((done) => setTimeout(done, early));
      }
    } catch {
      this.end();
    }
  }

  /** Nothing is half done, so that a socket can begin in its place. */
  private isIdle(): boolean {
    return !this.hello && !this.snapshot && this.history.length === 0 && !this.sending && this.toSend.length === 0;
  }

  private end(): void {
    if (this.ended) return;
    this.ending.abort();
    this.listener.closed();
  }

  private async ask(signal: AbortSignal): Promise<ServerFrame[]> {
    const { hello, cursor, page } = this;
    const body = {
      ...(hello ? { hello: withoutType(hello) } : { cursor, ...(page && { snapshot: page }) }),
      history: this.history.slice(0, 4),
      presence: this.presence,
      wait_ms: this.hurried ? 0 : WAIT_MS,
    };
    this.hurried = false;
    const answer = await this.post('/v1/pull', body, signal, hello === null);
    if (typeof answer.presence === 'string') this.presence = answer.presence;
    return answer.frames;
  }

  private async flush(): Promise<void> {
    if (this.sending) return;
    this.sending = true;
    try {
      while (this.toSend.length > 0 && !this.ended) {
        const frames = this.toSend.slice(0, 4);
        const answer = await this.post('/v1/cmd', { frames }, this.ending.signal, true);
        this.toSend.splice(0, frames.length);
        for (const frame of answer.frames) this.hand(frame);
      }
    } catch {
      this.end();
    } finally {
      this.sending = false;
    }
  }

  private async post(path: string, body: unknown, signal: AbortSignal, known: boolean) {
    const token = this.token();
    const answer = await fetch(path, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        ...(known && token !== null && { Authorization: `Visitor ${token}` }),
      },
      body: JSON.stringify(body),
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      cache: 'no-store',
      signal,
    });
    if (!answer.ok) throw new Error(`the desk answers ${answer.status}`);
    const { frames, presence } = (await answer.json()) as { frames?: unknown; presence?: unknown };
    if (!Array.isArray(frames)) throw new Error('no frames');
    return { frames: frames.map((frame) => readFrame(JSON.stringify(frame))).filter((frame) => frame !== null), presence };
  }

  /** Notes what a frame means for the next request, and hands it up. */
  private hand(frame: ServerFrame): void {
    if (this.ended) return;
    switch (frame.type) {
      case 'welcome':
        this.hello = null;
        this.epoch = frame.epoch;
        if (frame.mode === 'snapshot') this.cursor = null;
        break;
      case 'snap':
        this.page = null;
        this.snapshot = { generation: frame.generation, base: frame.base };
        break;
      case 'snap_end':
        this.snapshot = null;
        this.cursor = { epoch: this.epoch, seq: frame.base };
        break;
      case 'delta':
        this.cursor = { epoch: this.epoch, seq: frame.to };
        break;
      case 'hist_page':
        this.history = this.history.filter(({ request }) => request !== frame.request);
        break;
      case 'ack':
        setTimeout(() => {
          if (!this.ended && this.cursor && this.cursor.seq < frame.seq) this.interrupt();
        }, CHANGE_MS);
        break;
    }
    this.listener.frame(frame);
  }
}

function withoutType({ type: _type, ...body }: Hello): Omit<Hello, 'type'> {
  return body;
}
