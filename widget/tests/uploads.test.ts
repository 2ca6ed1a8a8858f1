import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FileError, PIECE_BYTES, upload } from '../src/panel/files';
import { Uploads } from '../src/panel/uploads.svelte';
import type { Session } from '../src/panel/session.svelte';
import { memoryStore } from '../src/shared/safe-storage';
import { Desk } from './uploads';

const NAME = 'a'.repeat(32);
const BYTES = Uint8Array.from({ length: 3 * PIECE_BYTES + 100 }, (_, at) => (at * 7919) % 251);

let desk: Desk;

beforeEach(() => {
  vi.useFakeTimers();
  desk = new Desk();
  vi.stubGlobal('fetch', desk.fetch);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function plan(bytes: Uint8Array<ArrayBuffer> = BYTES, name = 'plan.pdf'): File {
  return new File([bytes], name, { lastModified: 1 });
}
function session(token: string | null = 'secret') {
  const asked: unknown[] = [];
  return { state: { token, phase: 'live' }, dispatch: (event: unknown) => asked.push(event), asked } as unknown as Session & { asked: unknown[] };
}
const states = (uploads: Uploads) => uploads.list.map(({ name, state }) => `${name} ${state}`);
/** Lets requests be answered, and pauses pass. */
async function pass(ms = 0): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
  // Reading a file takes turns of its own.
  for (let turn = 0; turn < 50; turn += 1) await vi.advanceTimersByTimeAsync(0);
}

test('OD-35: a file goes up in pieces, and every byte of it arrives', async () => {
  const told: number[] = [];
  const attachment = await upload(plan(), NAME, 'secret', new AbortController().signal, (offset) => told.push(offset));
  expect(attachment.name).toBe('plan.pdf');
  expect(desk.has(NAME, BYTES)).toBe(true);
  expect(told).toEqual([0, PIECE_BYTES, 2 * PIECE_BYTES, 3 * PIECE_BYTES, BYTES.length]);
  expect(new Set(desk.tokens)).toEqual(new Set(['Visitor secret']));
});

test('OD-35: bytes that arrived in another request than this page knows of are not sent again', async () => {
  await desk.fetch(`/v1/uploads?client_id=${NAME}&name=plan.pdf&size=${BYTES.length}`, { method: 'POST' });
  desk.before = () => {
    // An older request of this browser comes in late.
    desk.before = null;
    desk.takes(NAME, BYTES.slice(0, 1_000));
  };
  await upload(plan(), NAME, 'secret', new AbortController().signal, () => {});
  expect(desk.has(NAME, BYTES)).toBe(true);
});

test('OD-35: a desk that has forgotten an upload gets it from the beginning, but not for ever', async () => {
  desk.forgets = 1;
  await upload(plan(), NAME, 'secret', new AbortController().signal, () => {});
  expect(desk.has(NAME, BYTES)).toBe(true);
  desk.forgets = 99;
  await expect(upload(plan(), 'b'.repeat(32), 'secret', new AbortController().signal, () => {})).rejects.toThrow('busy');
});

test('OD-35: a desk that counts no bytes is left alone', async () => {
  desk.deaf = true;
  await expect(upload(plan(), NAME, 'secret', new AbortController().signal, () => {})).rejects.toThrow(new FileError('busy'));
  expect(desk.asked.length).toBeLessThan(20);
});

test('OD-35: a request that nobody answers is given up, and what has come of it counts', async () => {
  const uploads = new Uploads(session(), memoryStore());
  desk.hangs = true;
  uploads.attach([plan()]);
  await pass(29_000);
  expect(states(uploads)).toEqual(['plan.pdf uploading']);
  await pass(1_000);
  expect(states(uploads)).toEqual(['plan.pdf waiting']);
  desk.hangs = false;
  await pass(30_000);
  expect(states(uploads)).toEqual(['plan.pdf ready']);
});

test('OD-35: after a cut in the middle a file goes on by itself where the desk has it', async () => {
  const uploads = new Uploads(session(), memoryStore());
  desk.cutAfter = PIECE_BYTES + 1_000;
  uploads.attach([plan()]);
  await pass();
  expect(states(uploads)).toEqual(['plan.pdf waiting']);
  await pass(60_000);
  desk.cutAfter = null;
  // The browser says so when there is a network again; nobody waits for the end of the pause then.
  dispatchEvent(new Event('online'));
  await pass();
  expect(states(uploads)).toEqual(['plan.pdf ready']);
  const [item] = uploads.list;
  expect(desk.has(item?.client_id ?? '', BYTES)).toBe(true);
  expect(desk.asked.filter((request) => request === 'PATCH 0')).toHaveLength(1);
});

test('OD-35: a file that waits for the desk goes on as soon as the messages do', async () => {
  const vic = session();
  const state = vic.state as { phase: string };
  state.phase = 'offline';
  const uploads = new Uploads(vic, memoryStore());
  desk.cutAfter = 0;
  uploads.attach([plan()]);
  await pass(300_000);
  expect(states(uploads)).toEqual(['plan.pdf waiting']);
  desk.cutAfter = null;
  state.phase = 'live';
  await pass(1_000);
  expect(states(uploads)).toEqual(['plan.pdf ready']);
});

test('OD-35: a busy desk is asked again a few times, a refusal is final', async () => {
  const uploads = new Uploads(session(), memoryStore());
  desk.refuses = { status: 503, code: 'busy', retry_after_ms: 40_000 };
  uploads.attach([plan()]);
  await pass(39_000);
  expect(desk.asked).toHaveLength(1);
  await pass(400_000);
  expect(states(uploads)).toEqual(['plan.pdf failed']);
  desk.refuses = null;
  const [item] = uploads.list;
  if (item) uploads.retry(item);
  await pass();
  expect(states(uploads)).toEqual(['plan.pdf ready']);

  desk.refuses = { status: 415, code: 'unsupported_type' };
  uploads.attach([plan(BYTES, 'page.html')]);
  await pass(60_000);
  expect(states(uploads)).toEqual(['plan.pdf ready', 'page.html failed']);
  expect(desk.asked.filter((request) => request.startsWith('POST'))).toHaveLength(7);
});

test('OD-35: an empty file is refused here, and a desk that has enough for long is not waited for', async () => {
  const uploads = new Uploads(session(), memoryStore());
  uploads.attach([new File([], 'nothing.txt')]);
  await pass();
  expect([states(uploads), uploads.list[0]?.code, desk.asked]).toEqual([['nothing.txt failed'], 'empty', []]);
  desk.refuses = { status: 429, code: 'too_many_attempts', retry_after_ms: 60_000 };
  uploads.attach([plan()]);
  await pass();
  expect([states(uploads)[1], uploads.list[1]?.code]).toEqual(['plan.pdf waiting', 'too_many_attempts']);
  desk.refuses = { status: 429, code: 'too_many_attempts', retry_after_ms: 3_600_000 };
  await pass(60_000);
  expect(states(uploads)[1]).toBe('plan.pdf failed');
});

test('OD-35: of ten files three go up at once, each in its turn, and none waits for one that was taken off', async () => {
  const uploads = new Uploads(session(), memoryStore());
  desk.hangs = true;
  uploads.attach(Array.from({ length: 10 }, (_, at) => plan(BYTES, `${at}.pdf`)));
  await pass();
  expect(desk.asked).toHaveLength(3);
  for (const at of [4, 0]) {
    const item = uploads.list[at];
    if (item) uploads.remove(item);
  }
  desk.hangs = false;
  await pass(60_000);
  expect(states(uploads)).toEqual([1, 2, 3, 5, 6, 7, 8, 9].map((at) => `${at}.pdf ready`));
});

test('OD-35: what is ready is still attached when the page was loaded anew, and what is not goes on when it is chosen again', async () => {
  const [store, before] = [memoryStore(), session()];
  const first = new Uploads(before, store);
  expect(first.attach([plan(), plan(BYTES, 'second.pdf')])).toBe(true);
  expect(before.asked, 'the desk has to know the visitor again').toContainEqual({ type: 'attached' });
  await pass();
  desk.cutAfter = PIECE_BYTES;
  first.attach([plan(BYTES, 'third.pdf')]);
  await pass();
  expect(states(first)).toEqual(['plan.pdf ready', 'second.pdf ready', 'third.pdf waiting']);
  first.end();
  desk.cutAfter = null;

  const second = new Uploads(session(), store);
  await pass();
  expect(states(second)).toEqual(['plan.pdf ready', 'second.pdf ready', 'third.pdf lost']);
  const name = second.list[2]?.client_id ?? '';
  second.attach([new File([BYTES], 'third.pdf', { lastModified: 1 })]);
  await pass();
  expect(states(second)).toEqual(['plan.pdf ready', 'second.pdf ready', 'third.pdf ready']);
  expect(second.list[2]?.client_id).toBe(name);
  expect(desk.has(name, BYTES)).toBe(true);
  expect(desk.asked.filter((request) => request === 'PATCH 0'), 'the third went on').toHaveLength(3);

  second.sent();
  expect([second.list, store.keys()]).toEqual([[], []]);
});

test('OD-35: a file that arrived whole just as the page was loaded anew is found ready', async () => {
  const store = memoryStore();
  const first = new Uploads(session(), store);
  desk.hangs = true;
  first.attach([plan()]);
  await pass();
  first.end();
  desk.hangs = false;
  const name = first.list[0]?.client_id ?? '';
  await upload(plan(), name, 'secret', new AbortController().signal, () => {});
  const second = new Uploads(session(), store);
  await pass();
  expect(states(second)).toEqual(['plan.pdf ready']);
});

test('OD-37: files of a visitor who is not known any more are nobody else\'s', async () => {
  const store = memoryStore();
  const first = new Uploads(session(), store);
  first.attach([plan()]);
  await pass();
  const asked = desk.asked.length;
  const second = new Uploads(session(null), store);
  await pass(1_000);
  expect(states(second)).toEqual(['plan.pdf lost']);
  expect(second.list[0]?.attachment).toBeNull();
  expect(desk.asked).toHaveLength(asked);
});

test('OD-35: a file that is taken off the draft is given up at the desk, and what is damaged in the storage is left out', async () => {
  const store = memoryStore();
  const uploads = new Uploads(session(), store);
  uploads.attach([plan()]);
  await pass();
  const [item] = uploads.list;
  if (item) uploads.remove(item);
  await pass();
  expect(desk.asked.at(-1)).toBe('DELETE');
  expect(store.keys()).toEqual([]);
  for (const damaged of ['{', '7', '[null, {"client_id":"x"}]']) {
    store.set('files', damaged);
    expect(new Uploads(session(), store).list).toEqual([]);
  }
});

test('OD-35: a file that the browser cannot read any more has to be chosen again', async () => {
  const uploads = new Uploads(session(), memoryStore());
  const gone = plan();
  gone.slice = () => ({ arrayBuffer: () => Promise.reject(new DOMException('', 'NotReadableError')) }) as Blob;
  uploads.attach([gone]);
  await pass();
  expect(states(uploads)).toEqual(['plan.pdf lost']);
});

test('OD-35: a message takes ten files at the most', async () => {
  const uploads = new Uploads(session(), memoryStore());
  const many = Array.from({ length: 11 }, (_, number) => plan(BYTES.slice(0, 10), `${number}.pdf`));
  expect(uploads.attach(many)).toBe(false);
  await pass();
  expect(uploads.list).toHaveLength(10);
});
