import { describe, expect, test } from 'vitest';
import type { Change, Message, ServerFrame } from '../src/protocol.generated';
import {
  type Effect,
  type Event,
  OUTBOX_MAX,
  type OutboxItem,
  SENT_KEPT_MS,
  SENT_MAX,
  type SentItem,
  type State,
  initial,
  outboxFull,
  readFrame,
  step,
  unread,
} from '../src/panel/sync';

const EPOCH = 'epoch-1';

/** Vic's panel, driven by hand. */
class Vic {
  state: State;
  now = 1_000_000;
  private names = 0;

  constructor(token: string | null = 'secret', outbox: OutboxItem[] = [], sent: SentItem[] = []) {
    this.state = initial({ site: 'pk', language: 'en', screen: '1×1', presence: null, token, outbox, sent });
    this.does({ type: 'sender', sender: true });
  }

  does(event: Event): Effect[] {
    this.names += 1;
    const before = JSON.stringify(this.state);
    const frozen = this.state;
    const [state, effects] = step(frozen, event, { now: this.now, random: 0.5, name: String(this.names).padStart(32, '0') });
    expect(JSON.stringify(frozen), 'a state is never changed in place').toBe(before);
    this.state = state;
    return effects;
  }
  hears(frame: ServerFrame): Effect[] {
    return this.does({ type: 'frame', frame });
  }
  after(ms: number): Effect[] {
    this.now += ms;
    return this.does({ type: 'tick' });
  }
  live(base = 10, rows: Change[] = [], token: string | null = null): Effect[] {
    this.does({ type: 'start' });
    this.does({ type: 'opened' });
    this.hears(welcome('snapshot', token));
    this.hears({ type: 'snap', generation: 'g', base, rows, next: null });
    return this.hears({ type: 'snap_end', generation: 'g', base });
  }
  writes(text: string): Effect[] {
    return this.does({ type: 'send', item: item(text, this.now) });
  }
  get texts(): string[] {
    return this.state.messages.map(({ text }) => text);
  }
}

function item(text: string, client_time: number): OutboxItem {
  return { client_id: clientId(text), text, attachments: [], client_time, failed: null };
}
function clientId(text: string): string {
  return Array.from(text, (letter) => letter.charCodeAt(0).toString(16)).join('').padStart(32, '0').slice(-32);
}
function welcome(mode: 'delta' | 'snapshot', token: string | null = null, epoch = EPOCH): ServerFrame {
  return {
    type: 'welcome',
    session: 's',
    epoch,
    head: 10,
    server_time: 0,
    heartbeat_ms: 15_000,
    mode,
    visitor: { token, conversation: null, desk: 'Kiln & Leaf', online: true, unread: 0 },
  };
}
function message(number: number, text: string, from: 'visitor' | 'Ann' = 'Ann'): Message {
  return {
    id: 100 + number,
    conversation: 7,
    number,
    author: from === 'visitor' ? { who: 'visitor' } : { who: 'agent', id: 1, name: from },
    kind: 'reply',
    text,
    attachments: [],
    client_id: from === 'visitor' ? clientId(text) : null,
    created_at: number,
  };
}
function put(seq: number, data: Message): Change {
  return { seq, kind: 'put', entity: 'message', id: data.id, data };
}
function conversation(seq: number, visitor_read = 0): Change {
  return { seq, kind: 'put', entity: 'conversation', id: 7, data: { id: 7, state: 'open', visitor_read } };
}
function delta(from: number, to: number, changes: Change[] = []): ServerFrame {
  return { type: 'delta', from, to, changes, more: false };
}
const commands = (effects: Effect[]) => effects.flatMap((effect) => (effect.type === 'frame' && effect.frame.type === 'cmd' ? [effect.frame] : []));
const kinds = (effects: Effect[]) => effects.map(({ type }) => type);

test('OD-40: the desk hears which language the messenger speaks, and again when the page speaks another', () => {
  const vic = new Vic();
  const greeting = (effects: Effect[]) =>
    effects.flatMap((effect) => (effect.type === 'frame' && effect.frame.type === 'hello' ? [effect.frame.visitor] : []));
  expect(kinds(vic.does({ type: 'spoken', spoken: 'es' }))).toEqual([]);
  vic.does({ type: 'start' });
  expect(greeting(vic.does({ type: 'opened' }))).toEqual([expect.objectContaining({ language: 'en', spoken: 'es' })]);
  vic.hears(welcome('delta'));
  expect(kinds(vic.does({ type: 'spoken', spoken: 'es' }))).toEqual([]);
  expect(kinds(vic.does({ type: 'spoken', spoken: 'ru' }))).toContain('disconnect');
});

describe('OD-33: messages in real time', () => {
  test('a session begins with hello, takes the snapshot and goes on with deltas', () => {
    const vic = new Vic();
    expect(kinds(vic.does({ type: 'start' }))).toEqual(['connect']);
    const [hello] = vic.does({ type: 'opened' });
    expect(hello).toMatchObject({
      frame: { type: 'hello', protocol: 1, cursor: null, visitor: { site: 'pk', part: 'panel', token: 'secret', page: null } },
    });
    vic.hears(welcome('snapshot'));
    const asked = vic.hears({ type: 'snap', generation: 'g', base: 10, rows: [conversation(3), put(4, message(1, 'one'))], next: 'p2' });
    expect(asked).toEqual([{ type: 'frame', frame: { type: 'snap_next', generation: 'g', token: 'p2' } }]);
    vic.hears({ type: 'snap', generation: 'g', base: 10, rows: [put(5, message(2, 'two'))], next: null });
    vic.hears({ type: 'snap_end', generation: 'g', base: 10 });
    expect(vic.state.phase).toBe('live');
    const told = vic.hears(delta(10, 12, [put(12, message(3, 'three'))]));
    expect(vic.texts).toEqual(['one', 'two', 'three']);
    expect(kinds(told)).toEqual(['announce']);
    expect(vic.state.cursor).toEqual({ epoch: EPOCH, seq: 12 });
    expect(unread(vic.state)).toBe(3);
  });

  test('a delta that does not begin at the cursor is not applied, and the connection starts anew', () => {
    const vic = new Vic();
    vic.live();
    expect(kinds(vic.hears(delta(11, 12, [put(12, message(1, 'lost before'))])))).toEqual(['disconnect']);
    expect(vic.texts).toEqual([]);
    expect(vic.state.phase).toBe('offline');
    vic.after(60_000);
    const [hello] = vic.does({ type: 'opened' });
    expect(hello).toMatchObject({ frame: { cursor: { epoch: EPOCH, seq: 10 } } });
  });

  test('a delta heard twice changes nothing', () => {
    const vic = new Vic();
    vic.live();
    vic.hears(delta(10, 12, [put(12, message(1, 'once'))]));
    expect(vic.hears(delta(10, 12, [put(12, message(1, 'once'))]))).toEqual([]);
    expect([vic.state.phase, vic.texts]).toEqual(['live', ['once']]);
  });

  test('a delta that begins before the cursor says that an earlier one was wrong: only a snapshot tells', () => {
    for (const frame of [
      delta(11, 13, [put(12, message(1, 'once')), put(13, message(2, 'left out'))]),
      { type: 'hb', time: 0, head: 11 } as const,
    ]) {
      const vic = new Vic();
      vic.live();
      vic.hears(delta(10, 12, [put(12, message(1, 'once'))]));
      expect(kinds(vic.hears(frame))).toEqual(['disconnect']);
      expect(vic.texts).toEqual(['once']);
      vic.after(60_000);
      const [hello] = vic.does({ type: 'opened' });
      expect(hello).toMatchObject({ frame: { type: 'hello', cursor: null } });
    }
  });

  test('a snapshot that lost its last page is never taken for whole', () => {
    const vic = new Vic();
    vic.does({ type: 'start' });
    vic.does({ type: 'opened' });
    vic.hears(welcome('snapshot'));
    vic.hears({ type: 'snap', generation: 'g', base: 10, rows: [], next: '1' });
    expect(kinds(vic.hears({ type: 'snap_end', generation: 'g', base: 10 }))).toEqual(['disconnect']);
  });

  test('an older state of a message never replaces a newer one', () => {
    const vic = new Vic();
    vic.live(10, [put(12, message(1, 'newer than the base'))]);
    vic.hears(delta(10, 11, [put(11, message(1, 'older'))]));
    expect(vic.texts).toEqual(['newer than the base']);
  });

  test('what is taken away goes, and a note never shows', () => {
    const vic = new Vic();
    vic.live(10, [conversation(1), put(2, message(1, 'one')), put(3, message(2, 'two'))]);
    vic.hears(delta(10, 12, [
      { seq: 11, kind: 'forget', entity: 'message', id: 101 },
      put(12, { ...message(3, 'only for the team'), kind: 'note' }),
    ]));
    expect(vic.texts).toEqual(['two']);
  });

  test('after a reset the old messages stay until the new snapshot is whole, and what waits is kept', () => {
    const vic = new Vic();
    vic.live(10, [conversation(1), put(2, message(1, 'old'))]);
    vic.does({ type: 'closed' });
    vic.writes('waits');
    vic.does({ type: 'opened' });
    vic.hears(welcome('snapshot'));
    vic.hears({ type: 'reset', reason: 'too_old' });
    expect(vic.texts).toEqual(['old']);
    vic.hears({ type: 'snap', generation: 'h', base: 50, rows: [conversation(40), put(41, message(2, 'new'))], next: null });
    const sent = commands(vic.hears({ type: 'snap_end', generation: 'h', base: 50 }));
    expect(vic.texts).toEqual(['new']);
    expect(sent).toMatchObject([{ op: 'send', args: { text: 'waits' } }]);
  });

  test('older messages are asked for once at a time and end at the beginning', () => {
    const vic = new Vic();
    vic.live(10, [conversation(1), put(2, message(40, 'forty'))]);
    expect(vic.does({ type: 'older' })).toMatchObject([{ frame: { type: 'hist', before: 40, conversation: 7 } }]);
    expect(vic.does({ type: 'older' })).toEqual([]);
    const page = { type: 'hist_page', conversation: 7, from: 1, to: 39, messages: [put(1, message(39, 'thirty-nine'))] } as const;
    vic.hears({ ...page, messages: [...page.messages], request: 99 });
    expect(vic.texts).toEqual(['forty']);
    vic.hears({ ...page, messages: [...page.messages], request: 1 });
    expect(vic.texts).toEqual(['thirty-nine', 'forty']);
    expect(vic.state.reachedStart).toBe(true);
  });

  test('frames of unknown types and hostile texts do no harm', () => {
    const vic = new Vic();
    vic.live();
    for (const text of ['', '{', 'null', '[]', '42', '{"type":1}']) expect(readFrame(text)).toBeNull();
    const frame = readFrame('{"type":"from_tomorrow"}');
    expect(frame && vic.hears(frame)).toEqual([]);
    vic.hears(delta(10, 13, [
      { seq: 11, kind: 'unknown', entity: 'unknown', id: 1 },
      { seq: 12, kind: 'put', entity: 'message', id: 5, data: { id: 5 } },
      { seq: 13, kind: 'put', entity: 'conversation', id: 5, data: null },
    ]));
    expect([vic.texts, vic.state.cursor?.seq]).toEqual([[], 13]);
  });
});

describe('OD-39: nothing that was sent is lost, and nothing is sent twice', () => {
  test('a message is stored before it is sent, one is on its way at a time, and the delta ends it', () => {
    const vic = new Vic();
    vic.live();
    const first = vic.writes('one');
    expect(kinds(first)).toEqual(['store_item', 'frame']);
    expect(commands(vic.writes('two'))).toEqual([]);
    const next = vic.hears({ type: 'ack', client_id: clientId('one'), seq: 12, id: 101, number: 1, duplicate: false });
    expect(commands(next)).toMatchObject([{ args: { text: 'two', conversation: null, kind: 'reply' } }]);
    expect(vic.state.outbox).toHaveLength(2);
    const done = vic.hears(delta(10, 12, [conversation(11), put(12, message(1, 'one', 'visitor'))]));
    expect(done).toContainEqual({ type: 'drop_item', client_id: clientId('one') });
    expect(vic.state.outbox.map(({ text }) => text)).toEqual(['two']);
  });

  test('what was on its way when the connection broke goes again under the same name', () => {
    const vic = new Vic();
    vic.live();
    const [before] = commands(vic.writes('one'));
    vic.does({ type: 'closed' });
    vic.after(60_000);
    vic.does({ type: 'opened' });
    const [after] = commands(vic.hears(welcome('delta')));
    expect(after?.client_id).toBe(before?.client_id);
  });

  test('written without any connection, and after a reload, it goes out in the order of writing', () => {
    const vic = new Vic(null, [item('first', 1), item('second', 2)]);
    const effects = vic.live(10, [], 'new secret');
    expect(commands(effects)).toMatchObject([{ args: { text: 'first' } }]);
    const next = vic.hears({ type: 'ack', client_id: clientId('first'), seq: 10, id: 1, number: 1, duplicate: true });
    expect(next).toContainEqual({ type: 'drop_item', client_id: clientId('first') });
    expect(commands(next)).toMatchObject([{ args: { text: 'second' } }]);
  });

  test('a refusal for good is shown and the next message goes; a retry keeps the name', () => {
    const vic = new Vic();
    vic.live();
    vic.writes('bad');
    vic.writes('good');
    const next = vic.hears({ type: 'nack', client_id: clientId('bad'), code: 'invalid', message: '', retry_after_ms: null, current: null });
    expect(commands(next)).toMatchObject([{ args: { text: 'good' } }]);
    expect(vic.state.outbox[0]?.failed).toBe('invalid');
    vic.hears({ type: 'ack', client_id: clientId('good'), seq: 10, id: 1, number: 1, duplicate: false });
    const again = commands(vic.does({ type: 'retry', client_id: clientId('bad') }));
    expect(again).toMatchObject([{ client_id: clientId('bad') }]);
    vic.hears({ type: 'nack', client_id: clientId('bad'), code: 'invalid', message: '', retry_after_ms: null, current: null });
    expect(vic.does({ type: 'discard', client_id: clientId('bad') })).toContainEqual({ type: 'drop_item', client_id: clientId('bad') });
    expect(vic.state.outbox).toEqual([]);
  });

  test('a busy server is asked again, not before it said, and the order stays', () => {
    const vic = new Vic();
    vic.live();
    vic.writes('one');
    vic.writes('two');
    vic.hears({ type: 'nack', client_id: clientId('one'), code: 'too_many_attempts', message: '', retry_after_ms: 3_000, current: null });
    expect(commands(vic.after(2_900))).toEqual([]);
    expect(commands(vic.after(200))).toMatchObject([{ args: { text: 'one' } }]);
  });

  test('a message without an answer means a dead connection after ten seconds', () => {
    const vic = new Vic();
    vic.live();
    vic.writes('one');
    expect(kinds(vic.after(9_000))).not.toContain('disconnect');
    expect(kinds(vic.after(1_500))).toContain('disconnect');
  });

  test('silence for 35 seconds, or a log that runs ahead for five, starts the connection anew', () => {
    const silent = new Vic();
    silent.live();
    expect(kinds(silent.after(34_000))).not.toContain('disconnect');
    expect(kinds(silent.after(1_500))).toContain('disconnect');

    const behind = new Vic();
    behind.live();
    behind.hears({ type: 'hb', time: 0, head: 11 });
    expect(kinds(behind.after(4_000))).not.toContain('disconnect');
    behind.hears(delta(10, 11));
    expect(kinds(behind.after(4_000))).not.toContain('disconnect');
    behind.hears({ type: 'hb', time: 0, head: 12 });
    behind.after(4_000);
    expect(kinds(behind.after(1_500))).toContain('disconnect');
  });

  test('of two tabs only the elected one sends, and it takes over what the other left', () => {
    const vic = new Vic();
    vic.does({ type: 'sender', sender: false });
    vic.live();
    expect(commands(vic.writes('mine'))).toEqual([]);
    expect(commands(vic.does({ type: 'item_stored', item: item('from the other tab', 1) }))).toEqual([]);
    expect(commands(vic.does({ type: 'sender', sender: true }))).toMatchObject([{ args: { text: 'from the other tab' } }]);
  });

  test('news from another tab that comes after the message itself does not show the message twice', () => {
    const vic = new Vic();
    vic.does({ type: 'sender', sender: false });
    vic.live();
    vic.hears(delta(10, 12, [conversation(11), put(12, message(1, 'from the other tab', 'visitor'))]));
    vic.does({ type: 'item_stored', item: item('from the other tab', 1) });
    expect(vic.state.outbox).toEqual([]);
    expect(commands(vic.does({ type: 'sender', sender: true }))).toEqual([]);
  });

  test('the browser holds fifty messages and 64 KB, and then says so', () => {
    const many = new Vic(null, Array.from({ length: OUTBOX_MAX }, (_, index) => item(`№ ${index}`, index)));
    expect(outboxFull(many.state, item('one more', 99))).toBe(true);
    const long = new Vic(null, Array.from({ length: 6 }, (_, index) => item(`${index}${'x'.repeat(9_990)}`, index)));
    expect(outboxFull(long.state, item('short', 99))).toBe(false);
    expect(outboxFull(long.state, item('x'.repeat(9_999), 99))).toBe(true);
  });

  test('over a thousand random sessions every message arrives once and in order', { timeout: 120_000 }, () => {
    for (let seed = 1; seed <= 1_000; seed += 1) {
      const server = new Desk(seed);
      server.run();
      expect(server.stored, `seed ${seed}`).toEqual(server.written);
      expect(server.vic.texts.filter((text) => text.startsWith('v')), `seed ${seed}`).toEqual(server.written);
      expect(server.vic.state.outbox, `seed ${seed}`).toEqual([]);
    }
  });
});

describe('OD-39: a desk that was restored from a backup', () => {
  const texts = (effects: Effect[]) => commands(effects).map(({ args }) => (args as { text: string }).text);

  /** Everything that is sent until nothing waits; the desk takes each message. */
  function takesAll(vic: Vic, effects: Effect[], from: number): string[] {
    const taken: string[] = [];
    let [seq, number, next] = [from, vic.state.messages.length, effects];
    for (let text = texts(next)[0]; text !== undefined; text = texts(next)[0]) {
      taken.push(text);
      [seq, number] = [seq + 1, number + 1];
      const acknowledged = vic.hears({ type: 'ack', client_id: clientId(text), seq, id: 100 + number, number, duplicate: false });
      next = [...acknowledged, ...vic.hears(delta(seq - 1, seq, [put(seq, message(number, text, 'visitor'))]))];
    }
    return taken;
  }

  /** Vic comes back to the desk as it was, in another log. */
  function comesBack(vic: Vic, rows: Change[], token: string | null = null, base = 4): Effect[] {
    vic.does({ type: 'opened' });
    vic.hears(welcome('snapshot', token, 'epoch-2'));
    if (vic.state.cursor) vic.hears({ type: 'reset', reason: 'epoch' });
    vic.hears({ type: 'snap', generation: 'h', base, rows, next: null });
    return vic.hears({ type: 'snap_end', generation: 'h', base });
  }

  test('what the backup does not have is sent again, in order and before anything newer, once', () => {
    const vic = new Vic();
    expect(takesAll(vic, [...vic.live(10, [conversation(3)]), ...vic.writes('one')], 10)).toEqual(['one']);
    for (const text of ['two', 'three']) {
      vic.now += 1;
      takesAll(vic, vic.writes(text), 10 + vic.state.messages.length);
    }
    expect([vic.texts, vic.state.outbox]).toEqual([['one', 'two', 'three'], []]);
    vic.does({ type: 'closed' });
    vic.now += 1;
    vic.writes('four');
    const first = comesBack(vic, [conversation(3), put(4, message(1, 'one', 'visitor'))]);
    expect(takesAll(vic, first, 4)).toEqual(['two', 'three', 'four']);
    expect(vic.texts).toEqual(['one', 'two', 'three', 'four']);
    expect([vic.state.outbox, vic.state.sent.every(({ epoch }) => epoch === 'epoch-2')]).toEqual([[], true]);
    // The same log once more: nothing is offered.
    vic.does({ type: 'closed' });
    vic.after(60_000);
    expect(texts(comesBack(vic, [conversation(3)]))).toEqual([]);
  });

  test('a message that was acknowledged and not yet shown is not taken for done by the new log', () => {
    const vic = new Vic();
    vic.live(10, [conversation(3)]);
    vic.writes('promised');
    vic.hears({ type: 'ack', client_id: clientId('promised'), seq: 11, id: 101, number: 1, duplicate: false });
    expect(vic.state.outbox).toHaveLength(1);
    vic.does({ type: 'closed' });
    vic.after(60_000);
    expect(takesAll(vic, comesBack(vic, [conversation(3)], null, 20), 20)).toEqual(['promised']);
    expect(vic.texts).toEqual(['promised']);
  });

  test('a panel that was opened anew knows what was sent from what it kept', () => {
    const kept = ['one', 'two'].map((text, at) => ({ item: item(text, at), epoch: EPOCH, done_at: 1_000_000 }));
    const vic = new Vic('secret', [item('three', 9)], kept);
    vic.does({ type: 'start' });
    expect(takesAll(vic, comesBack(vic, [conversation(3)]), 4)).toEqual(['one', 'two', 'three']);
  });

  test('a visitor whom the backup does not know says it all again', () => {
    const vic = new Vic('secret', [], [{ item: item('one', 1), epoch: EPOCH, done_at: 1_000_000 }]);
    vic.does({ type: 'start' });
    expect(takesAll(vic, comesBack(vic, [], 'another secret'), 4)).toEqual(['one']);
  });

  test('nothing is kept of a visitor whom the desk has erased, of one who wants to be forgotten, or for longer than a week', () => {
    const kept = { item: item('one', 1), epoch: EPOCH, done_at: 1_000_000 };
    const erased = new Vic('secret', [], [kept]);
    expect(kinds(erased.live(10, [], 'another secret'))).not.toContain('store_item');
    expect(erased.state.sent).toEqual([]);
    const forgotten = new Vic('secret', [], [kept]);
    expect(kinds(forgotten.does({ type: 'forget' }))).toContain('drop_sent');
    expect(forgotten.state.sent).toEqual([]);
    const late = new Vic('secret', [], [kept]);
    late.now += SENT_KEPT_MS + 1;
    late.does({ type: 'start' });
    expect(texts(comesBack(late, [conversation(3)]))).toEqual([]);
    expect(late.state.sent).toEqual([]);
  });

  test('a message that was thrown away is not kept, and many or long ones push the oldest out', () => {
    const vic = new Vic();
    vic.writes('never mind');
    expect(kinds(vic.does({ type: 'discard', client_id: clientId('never mind') }))).toEqual(['drop_item']);
    takesAll(vic, vic.live(10, [conversation(3)]), 10);
    for (let number = 0; number < SENT_MAX + 5; number += 1) {
      vic.now += 1;
      takesAll(vic, vic.writes(`short ${number}`), 10 + vic.state.messages.length);
    }
    expect([vic.state.sent.length, vic.state.sent[0]?.item.text]).toEqual([SENT_MAX, 'short 5']);
    for (let number = 0; number < 40; number += 1) {
      vic.now += 1;
      takesAll(vic, vic.writes(`${'x'.repeat(9_900)} ${number}`), 10 + vic.state.messages.length);
    }
    expect(vic.state.sent.length).toBeLessThan(30);
    expect(vic.state.sent.at(-1)?.item.text).toMatch(/39$/);
  });
});

describe('OD-37: an unnamed visitor', () => {
  test('the secret is kept only when there is a conversation to come back to', () => {
    const vic = new Vic(null);
    expect(kinds(vic.live(10, [], 'fresh'))).not.toContain('keep_token');
    expect(vic.state.token).toBe('fresh');
    expect(vic.writes('hello')).toContainEqual({ type: 'keep_token', token: 'fresh' });
  });
  test('the secret is kept as soon as the team begins a conversation, before the visitor has written anything', () => {
    const vic = new Vic(null);
    vic.live(10, [], 'fresh');
    expect(vic.hears(delta(10, 11))).toEqual([]);
    const begun = vic.hears(delta(11, 13, [conversation(12), put(13, message(1, 'Can I help?'))]));
    expect(begun).toContainEqual({ type: 'keep_token', token: 'fresh' });
  });
  test('the secret is kept as soon as the desk is given a file, so that it is still theirs on the next page', () => {
    const quick = new Vic(null);
    expect(quick.does({ type: 'attached' }), 'there is none yet').toEqual([]);
    quick.does({ type: 'start' });
    quick.does({ type: 'opened' });
    expect(quick.hears(welcome('snapshot', 'fresh'))).toContainEqual({ type: 'keep_token', token: 'fresh' });
    const vic = new Vic(null);
    vic.live(10, [], 'fresh');
    expect(vic.does({ type: 'attached' })).toEqual([{ type: 'keep_token', token: 'fresh' }]);
    vic.does({ type: 'forget' });
    vic.does({ type: 'opened' });
    expect(kinds(vic.hears(welcome('snapshot', 'another')))).not.toContain('keep_token');
  });
  test('when the server knows the visitor no longer, nothing of the old conversation stays', () => {
    const vic = new Vic();
    vic.live(10, [conversation(1), put(2, message(1, 'old'))]);
    vic.does({ type: 'closed' });
    vic.after(60_000);
    vic.does({ type: 'opened' });
    vic.hears(welcome('snapshot', 'fresh'));
    expect([vic.texts, vic.state.cursor, vic.state.token]).toEqual([[], null, 'fresh']);
  });
  test('forgetting leaves nothing, and begins again as somebody else', () => {
    const vic = new Vic();
    vic.live(10, [conversation(1), put(2, message(1, 'secret matter'))]);
    vic.does({ type: 'sender', sender: false });
    vic.writes('waits');
    const effects = vic.does({ type: 'forget' });
    expect(effects).toContainEqual({ type: 'keep_token', token: null });
    expect(effects).toContainEqual({ type: 'drop_item', client_id: clientId('waits') });
    expect([vic.texts, vic.state.outbox, vic.state.token]).toEqual([[], [], null]);
    expect(vic.does({ type: 'opened' })).toMatchObject([{ frame: { visitor: { token: null }, cursor: null } }]);
  });
  test('a second tab takes over the secret of the first, unless it has a conversation of its own', () => {
    const second = new Vic(null);
    second.live(10, [], 'its own');
    expect(kinds(second.does({ type: 'token', token: 'of the first' }))).toEqual(['disconnect', 'connect']);
    expect(second.state.token).toBe('of the first');
    const talking = new Vic('mine');
    talking.live(10, [conversation(1)]);
    expect(talking.does({ type: 'token', token: 'of the first' })).toEqual([]);
    expect(talking.state.token).toBe('mine');
  });
});

describe('OD-15: what was on screen is read', () => {
  test('TV-06: what a flow or the desk says waits to be seen as well, and no line about the team does', () => {
    const vic = new Vic();
    const desk = { author: { who: 'desk' } } as const;
    const rows = [
      put(2, message(1, 'Hello?', 'visitor')),
      put(3, { ...message(2, 'What about?'), ...desk }),
      put(4, { ...message(3, 'assigned:Ann'), ...desk, kind: 'system' }),
      put(5, message(4, 'Here I am')),
    ];
    vic.live(10, [conversation(1), ...rows]);
    expect(unread(vic.state)).toBe(2);
    vic.does({ type: 'seen', number: 2 });
    expect(unread(vic.state)).toBe(1);
  });
  test('a read mark is told once, never goes back, and is told again after a break', () => {
    const vic = new Vic();
    vic.live(10, [conversation(1), put(2, message(1, 'one')), put(3, message(2, 'two'))]);
    expect(unread(vic.state)).toBe(2);
    expect(commands(vic.does({ type: 'seen', number: 2 }))).toMatchObject([{ op: 'mark_read', args: { conversation: 7, number: 2 } }]);
    expect(commands(vic.does({ type: 'seen', number: 1 }))).toEqual([]);
    expect(unread(vic.state)).toBe(0);
    vic.does({ type: 'closed' });
    vic.hears(delta(10, 11, [put(11, message(3, 'unheard'))]));
    vic.does({ type: 'seen', number: 3 });
    vic.does({ type: 'wake' });
    vic.does({ type: 'opened' });
    expect(commands(vic.hears(welcome('delta')))).toMatchObject([{ op: 'mark_read', args: { number: 3 } }]);
  });
  test('a read mark that was lost with the connection is told again, and one that the desk has is not', () => {
    const vic = new Vic();
    vic.live(10, [conversation(1), put(2, message(1, 'one'))]);
    const breaks = () => {
      vic.does({ type: 'closed' });
      vic.does({ type: 'wake' });
      vic.does({ type: 'opened' });
      return commands(vic.hears(welcome('delta')));
    };
    const told = { op: 'mark_read', args: { conversation: 7, number: 1 } };
    expect(commands(vic.does({ type: 'seen', number: 1 }))).toMatchObject([told]);
    expect(breaks()).toMatchObject([told]);
    vic.hears(delta(10, 11, [conversation(11, 1)]));
    expect(breaks()).toEqual([]);
  });
  test('a read mark for which the desk had no time is told again when it may, and one that it never takes is not', () => {
    const vic = new Vic();
    vic.live(10, [conversation(1), put(2, message(1, 'one')), put(3, message(2, 'two'))]);
    const refuses = (client_id: string | undefined, code: 'busy' | 'invalid', retry_after_ms: number | null) =>
      vic.hears({ type: 'nack', client_id: client_id ?? '', code, message: '', retry_after_ms, current: null });
    const [first] = commands(vic.does({ type: 'seen', number: 1 }));
    expect(commands(refuses(first?.client_id, 'busy', 5_000))).toEqual([]);
    expect(commands(vic.after(4_000))).toEqual([]);
    const [again] = commands(vic.after(1_000));
    expect(again).toMatchObject({ op: 'mark_read', args: { number: 1 } });
    refuses(again?.client_id, 'invalid', null);
    expect(commands(vic.after(5_000))).toEqual([]);
    expect(commands(vic.does({ type: 'seen', number: 2 }))).toMatchObject([{ op: 'mark_read', args: { number: 2 } }]);
  });
});

describe('who is typing, and who is there', () => {
  test('OD-33: typing is told at most every three seconds, and its end at once', () => {
    const vic = new Vic();
    vic.live();
    expect(vic.does({ type: 'typed', typing: true })).toEqual([]);
    vic.hears(delta(10, 11, [conversation(11)]));
    expect(vic.does({ type: 'typed', typing: true })).toMatchObject([{ frame: { kind: 'typing', typing: true } }]);
    vic.now += 2_000;
    expect(vic.does({ type: 'typed', typing: true })).toEqual([]);
    vic.now += 1_500;
    expect(vic.does({ type: 'typed', typing: true })).toHaveLength(1);
    expect(vic.writes('done')).toContainEqual(expect.objectContaining({ frame: expect.objectContaining({ kind: 'typing', typing: false }) }));
  });
  test('where the team may see it, what is written is told once in a second, and that it was sent at once', () => {
    const vic = new Vic();
    vic.live();
    vic.hears(delta(10, 11, [conversation(11)]));
    const writes = (text: string) => vic.does({ type: 'typed', typing: true, text }).filter((effect) => effect.type === 'frame' && 'kind' in effect.frame && effect.frame.kind === 'peek');
    expect(writes('My card')).toEqual([]);
    const says = (peek: boolean) => vic.hears({ type: 'eph', kind: 'agents', agents: [], online: true, peek });
    says(true);
    expect(writes('Is the')).toMatchObject([{ frame: { kind: 'peek', text: 'Is the' } }]);
    expect(writes('Is the blue')).toEqual([]);
    // What was written last is told in the next second, though nothing more is typed, and once.
    expect(vic.after(1_000)).toContainEqual({ type: 'frame', frame: { type: 'eph', kind: 'peek', conversation: null, text: 'Is the blue' } });
    expect(vic.after(1_000).some((effect) => effect.type === 'frame' && 'kind' in effect.frame)).toBe(false);
    expect(writes('𝄞'.repeat(600))).toMatchObject([{ frame: { text: '𝄞'.repeat(500) } }]);
    expect(vic.writes('done')).toContainEqual({ type: 'frame', frame: { type: 'eph', kind: 'peek', conversation: null, text: '' } });
    vic.after(1_000);
    says(false);
    expect(writes('My card')).toEqual([]);
  });
  test('OD-33: "Ann is typing" ends with her message, or by itself', () => {
    const vic = new Vic();
    vic.live();
    const typing = { type: 'eph', kind: 'typing', conversation: 7, author: { who: 'agent', id: 1, name: 'Ann' }, typing: true, ttl_ms: 60_000 } as const;
    vic.hears(typing);
    expect(vic.state.typing?.name).toBe('Ann');
    vic.hears(delta(10, 11, [put(11, message(1, 'hi'))]));
    expect(vic.state.typing).toBeNull();
    vic.hears(typing);
    vic.after(7_000);
    expect(vic.state.typing).toBeNull();
  });
  test('OD-38: the desk goes offline and online while the chat is open', () => {
    const vic = new Vic();
    expect(vic.state.online).toBeNull();
    vic.live();
    vic.hears({ type: 'eph', kind: 'agents', agents: [], online: false });
    expect(vic.state.online).toBe(false);
  });
});

describe('the way back', () => {
  test('OD-33: what Ann wrote while the connection was lost is said to a screen reader, also when it comes with a snapshot', () => {
    const vic = new Vic();
    const said = (effects: Effect[]) => effects.flatMap((effect) => (effect.type === 'announce' ? [effect.message.text] : []));
    const before = [conversation(1), put(2, message(1, 'Hello?', 'visitor')), put(3, message(2, 'Hello, Vic'))];
    expect(said(vic.live(10, before)), 'what is old is not said').toEqual([]);
    vic.does({ type: 'closed' });
    vic.does({ type: 'wake' });
    vic.does({ type: 'opened' });
    vic.hears(welcome('snapshot'));
    vic.hears({ type: 'reset', reason: 'rights' });
    const meanwhile = [put(12, message(3, 'And thanks', 'visitor')), put(13, message(4, 'Here it is')), put(14, message(5, 'Anything else?'))];
    vic.hears({ type: 'snap', generation: 'h', base: 20, rows: [...before, ...meanwhile], next: null });
    expect(said(vic.hears({ type: 'snap_end', generation: 'h', base: 20 }))).toEqual(['Here it is', 'Anything else?']);
  });
  test('OD-33: tries come in growing pauses; news from the network ends a pause at once', () => {
    const vic = new Vic();
    vic.does({ type: 'start' });
    const pauses = Array.from({ length: 8 }, () => {
      vic.does({ type: 'closed' });
      const pause = (vic.state.retryAt ?? 0) - vic.now;
      expect(kinds(vic.after(pause))).toEqual(['connect']);
      return pause;
    });
    expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
    expect(pauses.at(-1)).toBeLessThanOrEqual(30_000);
    vic.does({ type: 'closed' });
    expect(kinds(vic.does({ type: 'wake' }))).toEqual(['connect']);
  });
  test('OD-33: a desk that does not know the page is not asked again and again', () => {
    const vic = new Vic();
    vic.does({ type: 'start' });
    vic.does({ type: 'opened' });
    vic.hears({ type: 'bye', code: 'origin', retry_after_ms: 0 });
    expect(vic.state.phase).toBe('refused');
    expect(vic.after(3_600_000)).toEqual([]);
  });
  test('a visitor who may not write is told so, looks again later, and writes once they may', () => {
    const vic = new Vic();
    vic.live();
    vic.hears({ type: 'bye', code: 'blocked', retry_after_ms: 40_000 });
    expect(vic.state.blocked).toBe(true);
    expect(vic.after(39_000)).toEqual([]);
    expect(kinds(vic.after(3_000))).toEqual(['connect']);
    expect(vic.state.blocked).toBe(true);
    vic.live();
    expect(vic.state.blocked).toBe(false);
  });
  test('OD-33: a server that stops says when to come back', () => {
    const vic = new Vic();
    vic.live();
    vic.hears({ type: 'bye', code: 'drain', retry_after_ms: 8_000 });
    expect(vic.after(7_000)).toEqual([]);
    expect(kinds(vic.after(1_500))).toEqual(['connect']);
  });
});

/** A server with a network that breaks at any point, drawn from a seed. */
class Desk {
  readonly vic = new Vic(null);
  readonly written: string[] = [];
  readonly stored: string[] = [];
  private readonly done = new Map<string, { seq: number; number: number }>();
  private readonly log: Change[] = [];
  private head = 10;
  private random: number;
  private connected = false;
  private cursor = 0;
  private known = false;

  constructor(seed: number) {
    this.random = seed;
  }

  run(): void {
    this.play(this.vic.does({ type: 'start' }));
    for (let round = 0; round < 30; round += 1) {
      const dice = this.draw(6);
      if (dice < 2 && this.written.length < 12) {
        const text = `v${this.written.length}`;
        this.written.push(text);
        this.play(this.vic.writes(text));
      } else if (dice === 2) this.say();
      else if (dice === 3) this.cut();
      else this.play(this.vic.after(this.draw(4_000)));
    }
    for (let round = 0; round < 40; round += 1) this.play(this.vic.after(31_000));
  }

  private draw(most: number): number {
    this.random = (Math.imul(this.random, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((this.random / 2 ** 32) * most);
  }
  private cut(): void {
    if (!this.connected) return;
    this.connected = false;
    this.play(this.vic.does({ type: 'closed' }));
  }
  private append(data: Message): void {
    this.head += 1;
    if (this.log.length === 0) {
      this.log.push(conversation(this.head));
      this.head += 1;
    }
    this.log.push(put(this.head, data));
  }
  private say(): void {
    this.append(message(this.log.length + 1, `a${this.head}`));
    this.push();
  }
  private push(): void {
    if (!this.connected || !this.known) return;
    const from = this.cursor;
    this.cursor = this.head;
    this.play(this.vic.hears(delta(from, this.head, this.log.filter(({ seq }) => seq > from))));
  }
  private play(effects: Effect[]): void {
    for (const effect of effects) {
      if (effect.type === 'disconnect') this.connected = false;
      if (effect.type === 'connect') {
        this.connected = false;
        this.known = false;
        if (this.draw(4) === 0) this.play(this.vic.does({ type: 'closed' }));
        else {
          this.connected = true;
          this.play(this.vic.does({ type: 'opened' }));
        }
      }
      if (effect.type === 'frame' && this.connected) this.hear(effect.frame);
    }
  }
  private hear(frame: Extract<Effect, { type: 'frame' }>['frame']): void {
    if (frame.type === 'hello') {
      const token = frame.visitor?.token ? null : 'secret';
      if (frame.cursor) {
        this.play(this.vic.hears(welcome('delta')));
        this.cursor = frame.cursor.seq;
        this.known = true;
        this.push();
      } else {
        this.play(this.vic.hears(welcome('snapshot', token)));
        this.vic.hears({ type: 'snap', generation: 'g', base: this.head, rows: this.log, next: null });
        this.cursor = this.head;
        this.known = true;
        this.play(this.vic.hears({ type: 'snap_end', generation: 'g', base: this.head }));
      }
    } else if (frame.type === 'cmd' && frame.op === 'send') {
      // Lost on the way there.
      if (this.draw(5) === 0) return this.cut();
      let done = this.done.get(frame.client_id);
      const duplicate = done !== undefined;
      if (!done) {
        const number = this.log.length + 1;
        this.append({ ...message(number, frame.args.text, 'visitor'), client_id: frame.client_id });
        this.stored.push(frame.args.text);
        done = { seq: this.head, number };
        this.done.set(frame.client_id, done);
      }
      // Lost on the way back.
      if (this.draw(5) === 0) return this.cut();
      const ack = { type: 'ack', client_id: frame.client_id, seq: done.seq, id: 1, number: done.number, duplicate } as const;
      if (this.draw(2) === 0) {
        this.push();
        this.play(this.vic.hears(ack));
      } else {
        this.play(this.vic.hears(ack));
        this.push();
      }
    }
  }
}

describe('messages that are edited or deleted', () => {
  const put = (seq: number, message: Message): Change => ({ seq, kind: 'put', entity: 'message', id: message.id, data: message }) as Change;
  const delta = (from: number, to: number, changes: Change[]): ServerFrame => ({ type: 'delta', from, to, changes, more: false });

  test('an edited message is shown in its place at once, and nobody is told of it as of a new one', () => {
    const vic = new Vic();
    vic.live(10, [put(8, message(3, 'Three of them')), put(9, message(4, 'Anything else?'))]);
    const effects = vic.hears(delta(10, 11, [put(11, { ...message(3, 'Four of them'), edited_at: 5 })]));
    expect(vic.texts).toEqual(['Four of them', 'Anything else?']);
    expect(effects.some(({ type }) => type === 'announce')).toBe(false);
  });

  test('a deleted message keeps its place and is not counted as unseen', () => {
    const vic = new Vic();
    vic.live(10, [put(8, message(3, 'Oops')), put(9, message(4, 'Hello'))]);
    expect(unread(vic.state)).toBe(2);
    vic.hears(delta(10, 11, [put(11, { ...message(3, ''), deleted_at: 5 })]));
    expect(vic.texts).toEqual(['', 'Hello']);
    expect(unread(vic.state)).toBe(1);
  });

  test('one further up than anybody has looked leaves no gap, and is as it is now when it is fetched', () => {
    const vic = new Vic();
    vic.live(10, [conversation(1), put(8, message(60, 'Sixty')), put(9, message(61, 'Sixty-one'))]);
    const edited = put(11, { ...message(2, 'Two, edited'), edited_at: 5 });
    vic.hears(delta(10, 11, [edited]));
    expect(vic.texts).toEqual(['Sixty', 'Sixty-one']);
    vic.does({ type: 'older' });
    const request = vic.state.historyRequest ?? 0;
    vic.hears({ type: 'hist_page', request, conversation: 7, from: 1, to: 59, messages: [edited] });
    expect(vic.texts).toEqual(['Two, edited', 'Sixty', 'Sixty-one']);
  });

  test('a page that was read before an edit and comes after it is asked for again', () => {
    const vic = new Vic();
    vic.live(10, [conversation(1), put(8, message(60, 'Sixty')), put(9, message(61, 'Sixty-one'))]);
    vic.does({ type: 'older' });
    const request = vic.state.historyRequest ?? 0;
    const edited = put(11, { ...message(2, 'Two, edited'), edited_at: 5 });
    vic.hears(delta(10, 11, [edited]));
    const page = { type: 'hist_page', conversation: 7, from: 1, to: 59 } as const;
    vic.hears({ ...page, request, messages: [put(3, message(2, 'Two'))] });
    expect(vic.texts).toEqual(['Sixty', 'Sixty-one']);
    vic.hears({ ...page, request: vic.state.historyRequest ?? 0, messages: [edited] });
    expect(vic.texts).toEqual(['Two, edited', 'Sixty', 'Sixty-one']);
  });
});
