import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ClientFrame, ServerFrame } from '../src/protocol.generated';
import { Choice, Requests, connect } from '../src/panel/transport';

const MINUTE = 60_000;

describe('sockets or requests', () => {
  test('one socket that fails is bad luck, two are a reason to ask over HTTP', () => {
    const choice = new Choice();
    choice.socketFailed(0, 0.5);
    expect(choice.overHttp(0)).toBe(false);
    choice.socketFailed(0, 0.5);
    expect(choice.overHttp(0)).toBe(true);
    choice.socketWorks();
    expect(choice.overHttp(0)).toBe(false);
  });

  test('while requests work a socket is tried ever more seldom', () => {
    const choice = new Choice();
    choice.socketFailed(0, 0);
    choice.socketFailed(0, 0);
    choice.httpWorks(0, 0);
    expect([choice.isDue(MINUTE - 1), choice.isDue(MINUTE)]).toEqual([false, true]);
    choice.socketFailed(MINUTE, 0);
    expect([choice.overHttp(3 * MINUTE - 1), choice.overHttp(3 * MINUTE)]).toEqual([true, false]);
  });

  test('a network that is gone altogether says nothing about sockets', () => {
    const choice = new Choice();
    choice.socketFailed(0, 0);
    choice.socketFailed(0, 0);
    choice.httpFailed();
    expect(choice.overHttp(0)).toBe(false);
  });
});

/** A desk that answers when the test says so. */
class Desk {
  readonly asked: { path: string; body: Record<string, unknown>; token: string | null }[] = [];
  private waiting: ((frames: object[]) => void)[] = [];

  readonly fetch = (path: string, init: RequestInit): Promise<Response> => {
    const headers = new Headers(init.headers);
    this.asked.push({ path, body: JSON.parse(String(init.body)) as Record<string, unknown>, token: headers.get('authorization') });
    return new Promise((resolve, reject) => {
      init.signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')));
      this.waiting.push((frames) => resolve(new Response(JSON.stringify({ frames, presence: 'p1' }))));
    });
  };

  /** Answers the request of that number. */
  async answers(number: number, frames: object[]): Promise<void> {
    await vi.waitFor(() => expect(this.waiting.length).toBeGreaterThan(number));
    this.waiting[number]?.(frames);
  }
}

const hello: ClientFrame = {
  type: 'hello',
  protocol: 1,
  app: 'test',
  cursor: null,
  visitor: { site: 's', part: 'panel', token: null, presence: null, page: null, language: 'en', screen: '1×1' },
};
const welcome = { type: 'welcome', epoch: 'e', head: 5, mode: 'snapshot', session: 's', server_time: 0, heartbeat_ms: 15000 };
const beat = { type: 'hb', time: 0, head: 5 };

describe('requests', () => {
  let desk: Desk;
  let frames: ServerFrame[];
  let closed: boolean;
  let due: boolean;
  let requests: Requests;

  beforeEach(() => {
    desk = new Desk();
    frames = [];
    closed = false;
    due = false;
    vi.stubGlobal('fetch', desk.fetch);
    const listener = {
      opened: () => {},
      frame(frame: ServerFrame) {
        frames.push(frame);
        // As the panel does: the next page is asked for while the one before is taken.
        if (frame.type === 'snap' && frame.next !== null) {
          requests.send({ type: 'snap_next', generation: frame.generation, token: frame.next });
        }
      },
      closed: () => (closed = true),
    };
    requests = new Requests(() => 'secret', listener, () => due);
  });

  afterEach(() => {
    requests.close();
    vi.unstubAllGlobals();
  });

  /** Greets and takes a snapshot of two pages. */
  async function live(): Promise<void> {
    requests.send(hello);
    await desk.answers(0, [welcome, { type: 'snap', generation: 'g', base: 5, rows: [], next: 'o.1.2' }, beat]);
    await vi.waitFor(() => expect(desk.asked.at(-1)?.body.snapshot).toEqual({ epoch: 'e', generation: 'g', base: 5, token: 'o.1.2' }));
    await desk.answers(desk.asked.length - 1, [
      { type: 'snap', generation: 'g', base: 5, rows: [], next: null },
      { type: 'snap_end', generation: 'g', base: 5 },
      beat,
    ]);
    await vi.waitFor(() => expect(desk.asked.at(-1)?.body.cursor).toEqual({ epoch: 'e', seq: 5 }));
  }

  test('TV-01: a greeting without the header, then where it stands, with the secret', async () => {
    await live();
    expect(desk.asked[0]?.token).toBeNull();
    expect(desk.asked[0]?.body.hello).toMatchObject({ protocol: 1, visitor: { part: 'panel' } });
    expect(desk.asked.at(-1)).toMatchObject({ path: '/v1/pull', token: 'Visitor secret', body: { presence: 'p1', wait_ms: 25_000 } });
  });

  test('a command goes out at once, and its change is asked for when it does not come by itself', async () => {
    await live();
    const before = desk.asked.length;
    const cmd = { type: 'cmd', client_id: 'c', client_time: 0, op: 'mark_read', args: { conversation: 1, number: 2 } } as ClientFrame;
    requests.send(cmd);
    expect(desk.asked[before]).toMatchObject({ path: '/v1/cmd', body: { frames: [cmd] } });
    await desk.answers(before, [{ type: 'ack', client_id: 'c', seq: 6, id: null, number: null, duplicate: false }]);
    await vi.waitFor(() => expect(desk.asked.at(-1)?.body.wait_ms).toBe(0));
    await desk.answers(desk.asked.length - 1, [{ type: 'delta', from: 5, to: 6, changes: [], more: false }, beat]);
    await vi.waitFor(() => expect(desk.asked.at(-1)?.body.cursor).toEqual({ epoch: 'e', seq: 6 }));
    expect(frames.map(({ type }) => type)).toContain('ack');
  });

  test('older messages are asked for until they are here', async () => {
    await live();
    requests.send({ type: 'hist', request: 3, conversation: 1, before: 9, limit: 30 });
    const wanted = [{ request: 3, conversation: 1, before: 9, limit: 30 }];
    await vi.waitFor(() => expect(desk.asked.at(-1)?.body.history).toEqual(wanted));
    await desk.answers(desk.asked.length - 1, [{ type: 'hist_page', request: 3, conversation: 1, from: 1, to: 8, messages: [] }, beat]);
    await vi.waitFor(() => expect(desk.asked.at(-1)?.body.history).toEqual([]));
  });

  test('it makes room for a socket between two answers, and an answer that is none ends it', async () => {
    await live();
    due = true;
    await desk.answers(desk.asked.length - 1, [{ type: 'eph', kind: 'agents', agents: [], online: true }, beat]);
    await vi.waitFor(() => expect(closed).toBe(true));
  });
});

test('a socket that never opens is followed by another, and then by requests', async () => {
  const desk = new Desk();
  vi.stubGlobal('fetch', desk.fetch);
  class Blocked {
    static readonly OPEN = 1;
    onclose: (() => void) | null = null;
    readyState = 0;
    constructor() {
      queueMicrotask(() => this.onclose?.());
    }
    send() {}
    close() {}
  }
  vi.stubGlobal('WebSocket', Blocked);
  const choice = new Choice();
  const tries: string[] = [];
  for (let round = 0; round < 3; round++) {
    await new Promise<void>((done) => {
      const connection = connect(choice, () => null, {
        opened: () => {
          tries.push('opened');
          connection.send(hello);
          done();
        },
        frame: () => {},
        closed: () => {
          tries.push('closed');
          done();
        },
      });
    });
  }
  expect(tries).toEqual(['closed', 'closed', 'opened']);
  expect(desk.asked[0]?.path).toBe('/v1/pull');
  vi.unstubAllGlobals();
});
