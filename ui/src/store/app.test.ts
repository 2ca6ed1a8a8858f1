import { beforeEach, expect, test, vi } from 'vitest';
import { words } from '../i18n/index.svelte';
import { CommandError, usePlatform, type Commands, type ConversationRow, type MessageView, type SyncState } from '../platform';
import { announcer } from './announcer.svelte';
import { app } from './app.svelte';
import { notices } from './notices.svelte';

const VIC = 'c1.1';
const WEN = 'c1.2';

/** Everything the page has asked its host to do. */
let done: { name: keyof Commands; request: unknown }[];

beforeEach(() => {
  done = [];
  usePlatform({
    call: (name, request) => {
      done.push({ name, request });
      return Promise.resolve({} as never);
    },
    subscribe: () => () => {},
    pictureUrl: () => '',
  });
  app.forget(1);
});

function head(row: Partial<ConversationRow>): ConversationRow {
  return { id: VIC, state: 'open', my_read: 0, last_number: 0, unread: 0, ...row } as ConversationRow;
}

const ofChat = () => done.filter(({ name }) => name === 'mark_read' || name === 'set_state');

test('OD-15: closing a chat is an answer, so what it holds counts as read', async () => {
  app.heads.set(VIC, head({ my_read: 2, last_number: 5, unread: 3 }));
  await app.done(VIC);
  expect(ofChat()).toEqual([
    { name: 'mark_read', request: { conversation: VIC, number: 5 } },
    { name: 'set_state', request: { conversation: VIC, state: 'closed' } },
  ]);
});

test('OD-15: a message that comes while a chat is being closed stays unread', async () => {
  app.heads.set(VIC, head({ my_read: 2, last_number: 5, unread: 3 }));
  const closing = app.done(VIC);
  app.heads.set(VIC, head({ my_read: 2, last_number: 6, unread: 4 }));
  await closing;
  expect(ofChat()[0]?.request).toEqual({ conversation: VIC, number: 5 });
});

test('OD-15: a chat that was read is only closed', async () => {
  app.heads.set(VIC, head({ my_read: 5, last_number: 5 }));
  await app.done(VIC);
  expect(ofChat().map(({ name }) => name)).toEqual(['set_state']);
});

test('a chat that is put off makes way for the next one, and stays unread', async () => {
  const other = head({ id: WEN });
  app.list = { ...app.list, rows: [head({ my_read: 2, last_number: 5, unread: 3 }), other] };
  app.open(VIC, 'maximised');
  await app.snooze(VIC, 900);
  expect(done.filter(({ name }) => name === 'snooze')).toEqual([{ name: 'snooze', request: { conversation: VIC, until: 900 } }]);
  expect(ofChat()).toEqual([]);
  expect(app.maximised).toBe(WEN);
});

const REPLY = { conversation: VIC, kind: 'reply', text: 'Too fast', files: [] };

/** A host that keeps unsent texts, and takes messages back. */
function takesBack(answer: () => Promise<unknown>): { kept: () => string } {
  let kept = '';
  usePlatform({
    call: ((name: string, request: { reply: string }) => {
      if (name === 'draft') return Promise.resolve({ conversation: VIC, reply: kept, note: '' });
      if (name === 'save_draft') kept = request.reply;
      return name === 'take_back' ? answer() : Promise.resolve({});
    }) as never,
    subscribe: () => () => {},
    pictureUrl: () => '',
  });
  return { kept: () => kept };
}

test('what is undone stands before what was typed meanwhile, and the caret is in the field', async () => {
  let settle: ((back: unknown) => void) | undefined;
  const disk = takesBack(() => new Promise((resolve) => (settle = resolve)));
  const back = app.takeBack(VIC, 'c');
  await vi.waitFor(() => expect(settle).toBeDefined());
  app.drafts.set(VIC, 'reply', 'and on');
  // A write that falls due now must not land on the text that the disk has already put there.
  const flushed = app.drafts.flush(VIC);
  settle?.({ ...REPLY, files: [{ file: '1', name: 'plan.pdf' }] });
  await Promise.all([back, flushed]);
  expect(app.drafts.get(VIC).reply).toBe('Too fast\nand on');
  await app.drafts.flush(VIC);
  expect(disk.kept()).toBe('Too fast\nand on');
  expect(app.wantsCaret).toBe(VIC);
  expect(app.brought.get(VIC)?.map((file) => file.name)).toEqual(['plan.pdf']);
});

test('what is on its way already stays, the typed text too, and the person hears why', async () => {
  takesBack(() => Promise.reject(new CommandError({ code: 'too_late', detail: '', field: null })));
  app.wantsCaret = null;
  app.drafts.set(VIC, 'reply', 'typed');
  await app.takeBack(VIC, 'c');
  expect(app.drafts.get(VIC).reply).toBe('typed');
  expect(app.wantsCaret).toBeNull();
  expect(notices.list.at(-1)?.text).toBe(words.m.errorTooLate());
});

/** Three hundred messages, of which a computer holds those from `from` on, and what it fetches below a number. */
function longChat(from: number) {
  const here = new Set(Array.from({ length: 301 - from }, (_, at) => from + at));
  usePlatform({
    call: (name, request) => {
      done.push({ name, request });
      const { before, limit } = request as { before: number | null; limit: number };
      if (name === 'conversation') return Promise.resolve(head({ my_read: 300, last_number: 300 }) as never);
      if (name === 'load_older') {
        for (let number = (before ?? 301) - 1; number > Math.max(0, (before ?? 301) - 101); number--) here.add(number);
      }
      if (name === 'draft') return Promise.resolve({ conversation: VIC, reply: '', note: '' } as never);
      if (name !== 'messages') return Promise.resolve({} as never);
      const messages = [];
      for (let number = (before ?? 301) - 1; here.has(number) && messages.length < limit; number--) {
        messages.unshift({ number, key: String(number), author: { who: 'visitor' }, text: [{ text: `text ${number}` }] });
      }
      const lowest = messages[0]?.number ?? before ?? 301;
      return Promise.resolve({ messages, more_here: here.has(lowest - 1), more_there: lowest > 1 && !here.has(lowest - 1) } as never);
    },
    subscribe: () => () => {},
    pictureUrl: () => '',
  });
}

const numbers = () => app.threads.get(VIC)?.messages.map((message) => message.number) ?? [];

test('OD-16: a hit is shown with what stands around it, however old it is', async () => {
  longChat(1);
  await app.goTo(VIC, 40);
  expect(app.target).toEqual({ conversation: VIC, number: 40 });
  expect([numbers()[0], numbers().at(-1)]).toEqual([15, 64]);
  expect(done.some(({ name }) => name === 'load_older')).toBe(false);
});

test('OD-16: a hit that the desk alone holds is fetched with what stands around it', async () => {
  longChat(290);
  await app.goTo(VIC, 40);
  expect(done.filter(({ name }) => name === 'load_older')).toEqual([{ name: 'load_older', request: { conversation: VIC, before: 65 } }]);
  expect(numbers()).toContain(40);
  // From there, on to the newest: what is missing in between is fetched, too.
  for (let at = 0; at < 4; at++) await app.showNewer(VIC);
  expect(numbers().at(-1)).toBe(264);
  expect(numbers()[0]).toBe(65);
  await app.showNewer(VIC);
  expect(app.tops.has(VIC)).toBe(false);
  expect(numbers().at(-1)).toBe(300);
});

test('OD-16: a hit on screen already moves nothing, and the newest one ends at the newest', async () => {
  longChat(1);
  await app.goTo(VIC, 280);
  expect(app.tops.has(VIC)).toBe(false);
  await app.goTo(VIC, 240);
  expect(numbers().at(-1)).toBe(264);
  await app.goTo(VIC, 241);
  expect(numbers().at(-1)).toBe(264);
  await app.goTo(VIC, null);
  expect(numbers().at(-1)).toBe(300);
});

test('OD-16: what is found, or read back, only after the chat was left, is not waiting in it', async () => {
  longChat(290);
  const leaves = async (asks: () => Promise<void>) => {
    app.open(VIC, 'maximised');
    await app.loadThread(VIC);
    const late = asks();
    app.minimise(VIC);
    await late;
    return [app.target, app.tops.has(VIC)];
  };
  expect(await leaves(() => app.goTo(VIC, 40))).toEqual([null, false]);
  expect(await leaves(() => app.goTo(VIC, 300))).toEqual([null, false]);
  app.open(VIC, 'maximised');
  await app.goTo(VIC, 40);
  app.target = null;
  for (const asks of [() => app.loadOlder(VIC), () => app.showNewer(VIC)]) {
    const top = app.tops.get(VIC);
    const late = asks();
    app.minimise(VIC);
    await late;
    expect(app.tops.get(VIC)).toBe(top);
    app.open(VIC, 'maximised');
  }
});

test('a chat can be read back to its beginning, past what fits on the screen', async () => {
  longChat(200);
  app.open(VIC, 'maximised');
  await app.loadThread(VIC);
  for (let at = 0; at < 6; at++) await app.loadOlder(VIC);
  expect(numbers()[0]).toBe(1);
  expect(numbers().length).toBeLessThanOrEqual(200);
});

test('OD-15, TV-01: among older messages nothing is marked as read, and what comes is told', async () => {
  vi.useFakeTimers();
  longChat(1);
  await app.loadThread(VIC);
  await app.goTo(VIC, 40);
  app.active = true;
  app.heads.set(VIC, head({ my_read: 200, last_number: 300 }));
  app.focusOn(VIC);
  await vi.advanceTimersByTimeAsync(2000);
  expect(done.some(({ name }) => name === 'mark_read')).toBe(false);
  const told = () => done.findLast(({ name }) => name === 'set_focus')?.request;
  expect(told()).toEqual({ conversation: null });
  await app.showNewest(VIC);
  expect(told()).toEqual({ conversation: VIC });
  vi.useRealTimers();
});

test('a chat that opens late takes the caret from nobody who put it elsewhere meanwhile', async () => {
  const answers: ((answer: unknown) => void)[] = [];
  usePlatform({
    call: ((name: string) =>
      name === 'start_conversation' ? new Promise((resolve) => answers.push(resolve)) : Promise.resolve({})) as never,
    subscribe: () => () => {},
    pictureUrl: () => '',
  });
  const field = document.createElement('textarea');
  document.body.append(field);

  let begun = app.startWith('v1.1');
  answers.pop()?.({ conversation: VIC });
  await begun;
  expect(app.wantsCaret).toBe(VIC);
  app.placeCaret(VIC, field);
  expect([app.wantsCaret, document.activeElement]).toEqual([null, field]);

  begun = app.startWith('v1.1');
  app.movedCaret();
  answers.pop()?.({ conversation: VIC });
  await begun;
  expect(app.wantsCaret, 'asked for before the person went elsewhere').toBeNull();

  app.open(WEN, 'maximised');
  begun = app.startWith('v1.1');
  app.movedCaret();
  answers.pop()?.({ conversation: VIC });
  await begun;
  expect(app.maximised, 'what Ann writes in stays in front of her').toBe(WEN);
  expect(app.boxes.find(({ conversation }) => conversation === VIC)?.state).toBe('minimised');

  app.wantsCaret = VIC;
  app.movedCaret();
  field.blur();
  app.placeCaret(VIC, field);
  expect(document.activeElement, 'the field comes too late').not.toBe(field);
  field.remove();
});

/** A chat on screen with the focus in it, of which the host tells what it is given. */
function listensTo(chat: Partial<ConversationRow>) {
  let messages: Partial<MessageView>[] = [];
  usePlatform({
    call: ((name: string) => {
      if (name === 'conversation') return Promise.resolve(head(chat));
      if (name === 'draft') return Promise.resolve({ conversation: VIC, reply: '', note: '', mentions: [] });
      return Promise.resolve(name === 'messages' ? { messages, refused: [], kept: [] } : {});
    }) as never,
    subscribe: () => () => {},
    pictureUrl: () => '',
  });
  app.open(VIC, 'maximised');
  app.focusOn(VIC);
  announcer.polite = '';
  return async (...come: Partial<MessageView>[]) => {
    messages = [...messages, ...come.map((message) => ({ delivery: 'received' as const, kind: 'note' as const, mine: false, ...message }))];
    await app.loadThread(VIC);
    return announcer.polite;
  };
}

const BEN = { who: 'agent', id: 2, name: 'Ben' } as const;
const says = (text: string) => [{ part: 'text' as const, text }];

test('OD-27: what a colleague says among the team is said aloud with their name, and what I say is not', async () => {
  const comes = listensTo({ internal: true, name: 'Returns' });
  await comes({ number: 1, author: BEN, text: says('Hello') });
  expect(await comes({ number: 2, author: BEN, text: says('Forty came back') })).toBe(words.m.announceMessage({ name: 'Ben', text: 'Forty came back' }));
  announcer.polite = '';
  expect(await comes({ number: 3, author: { ...BEN, id: 1, name: 'Ann' }, mine: true, text: says('Forty?') })).toBe('');
  expect(await comes({ number: 4, kind: 'system', author: BEN, text: says('added:Cleo') })).toBe('');
});

test('OD-27: in a chat of a visitor a note is said aloud when it mentions me', async () => {
  const comes = listensTo({ name: 'Vic' });
  await comes({ number: 1, kind: 'reply', author: { who: 'visitor' }, text: says('Hello?') });
  expect(await comes({ number: 2, author: BEN, text: says('Is it the lid?') })).toBe('');
  const named = [{ part: 'mention' as const, agent: 1, text: '@Ann', me: true }, ...says(' please')];
  expect(await comes({ number: 3, author: BEN, text: named })).toBe(words.m.announceMessage({ name: 'Ben', text: '@Ann please' }));
});

test('of messages that come at once each is said aloud', async () => {
  const comes = listensTo({ internal: true, name: 'Returns' });
  await comes({ number: 1, author: BEN, text: says('Hello') });
  const said = await comes({ number: 2, author: BEN, text: says('Forty') }, { number: 3, author: BEN, text: says('came back') });
  expect(said).toBe(['Forty', 'came back'].map((text) => words.m.announceMessage({ name: 'Ben', text })).join(' '));
  expect(await comes({ number: 4, author: BEN, text: says('And now?') })).toBe(words.m.announceMessage({ name: 'Ben', text: 'And now?' }));
});

test('a lost connection is told, and so is that it is back, once what was missed is here', () => {
  announcer.polite = announcer.assertive = '';
  const goes = (state: SyncState) => {
    const sync = { ...app.sync, state, offline_since: state === 'offline' ? 1 : null };
    app.take({ event: 'sync', accounts: [], sync });
    return [announcer.assertive, announcer.polite];
  };
  goes('live');
  expect(goes('offline')).toEqual([words.m.announceOffline(), '']);
  expect(goes('connecting')[1]).toBe('');
  expect(goes('offline')[1]).toBe('');
  expect(goes('syncing')[1]).toBe('');
  expect(goes('live')).toEqual([words.m.announceOffline(), words.m.announceOnline()]);
  announcer.polite = '';
  goes('syncing');
  expect(goes('live')[1], 'nothing was lost').toBe('');
});

test('what was said aloud is not said again while a message of mine waits', async () => {
  const comes = listensTo({ name: 'Vic' });
  await comes({ number: 0, kind: 'reply', mine: true, author: { ...BEN, id: 1 }, text: says('On its way') });
  await comes({ number: 1, kind: 'reply', author: { who: 'visitor' }, text: says('Hello?') }, { number: 0, kind: 'reply', mine: true, author: { ...BEN, id: 1 }, text: says('And again') });
  announcer.polite = '';
  expect(await comes()).toBe('');
});

test('what was shown of a chat goes with its box, so that nothing in it is news when it opens again', async () => {
  longChat(1);
  app.open(VIC, 'maximised');
  app.focusOn(VIC);
  await app.loadThread(VIC);
  await app.loadOlder(VIC);
  expect(numbers().length).toBe(100);
  const late = app.loadThread(VIC);
  app.close(VIC);
  await late;
  expect([app.heads.has(VIC), app.threads.has(VIC), app.boxes]).toEqual([false, false, []]);
  app.open(VIC, 'maximised');
  app.focusOn(VIC);
  announcer.polite = '';
  done = [];
  await app.loadThread(VIC);
  expect(done.filter(({ name }) => name === 'draft')).toHaveLength(1);
  expect(numbers().length).toBe(50);
  expect(announcer.polite).toBe('');
});

test('DK-16: what is typed in a chat stays when its box is closed', async () => {
  longChat(1);
  app.open(VIC, 'maximised');
  await app.loadThread(VIC);
  app.drafts.set(VIC, 'reply', 'half a sen');
  app.close(VIC);
  await app.drafts.flushAll();
  expect(done.findLast(({ name }) => name === 'save_draft')?.request).toMatchObject({ reply: 'half a sen' });
  app.open(VIC, 'maximised');
  await app.loadThread(VIC);
  expect(app.drafts.get(VIC).reply).toBe('half a sen');
});

/** A desk that erases Vic, of whom this computer knows nothing any more from then on. */
function erases() {
  const gone = new Set<string>();
  const kept: unknown[] = [];
  usePlatform({
    call: ((name: string, request: { reply?: string }) => {
      done.push({ name: name as keyof Commands, request });
      if (gone.size > 0 && ['conversation', 'messages', 'visitor_details'].includes(name)) return Promise.reject(new CommandError({ code: 'not_found', detail: '', field: null }));
      if (name === 'conversation') return Promise.resolve(head({}));
      if (name === 'draft') return Promise.resolve({ conversation: VIC, reply: '', note: '', mentions: [] });
      if (name === 'save_draft') kept.push(request.reply);
      if (name === 'list_conversations') return Promise.resolve({ rows: [], accounts: [] });
      if (name === 'visitors') return Promise.resolve([]);
      return Promise.resolve(name === 'messages' ? { messages: [], refused: [], kept: [] } : { name: 'Vic' });
    }) as never,
    subscribe: () => () => {},
    pictureUrl: () => '',
  });
  return { erase: () => gone.add(VIC), kept };
}

test('DK-16: a chat that was erased leaves the screen, and what was typed in it is not kept', async () => {
  const { erase, kept } = erases();
  app.open(VIC, 'maximised');
  await app.loadThread(VIC);
  app.focusOn(VIC);
  app.drafts.set(VIC, 'reply', 'Dear Vic');
  erase();
  await expect(app.loadThread(VIC)).rejects.toThrow();
  expect([app.boxes, app.heads.has(VIC), app.threads.has(VIC), app.focused]).toEqual([[], false, false, null]);
  expect(done.findLast(({ name }) => name === 'set_focus')?.request).toEqual({ conversation: null });
  await app.drafts.flush(VIC);
  await app.drafts.flushAll();
  expect([kept, app.drafts.get(VIC).reply]).toEqual([[], '']);
});

test('DK-16: a bar of a chat that was erased while the app was closed goes, and the person is told', async () => {
  const { erase } = erases();
  erase();
  app.started = { accounts: [{ account: { id: 1 }, open: true }] } as never;
  app.boxes = [{ conversation: VIC, state: 'minimised', last_focus: 0, tab: 'reply' }];
  app.refreshAll();
  await vi.waitFor(() => expect(done.findLast(({ name }) => name === 'save_boxes')?.request).toEqual({ boxes: [] }));
  expect(notices.list.at(-1)?.text).toBe(words.m.errorNotFound());
  app.started = null;
});

test('DK-06: details of a visitor who was erased leave the screen', async () => {
  const { erase } = erases();
  app.showDetailsOf('v1.7');
  app.watchDetails('v1.7');
  await vi.waitFor(() => expect(app.details.has('v1.7')).toBe(true));
  erase();
  await expect(app.loadDetails('v1.7')).rejects.toThrow();
  expect([app.details.has('v1.7'), app.visitorShown]).toEqual([false, null]);
  app.forgetDetails('v1.7');
});

test('a message that is written anew is sent once, and what is typed meanwhile stays in its field', async () => {
  let settle: (() => void) | undefined;
  usePlatform({
    call: ((name: keyof Commands, request: unknown) => {
      done.push({ name, request });
      return name === 'edit_message' ? new Promise<object>((resolve) => (settle = () => resolve({}))) : Promise.resolve({});
    }) as never,
    subscribe: () => () => {},
    pictureUrl: () => '',
  });
  const message = { key: 'm', id: 'm1.1' } as unknown as MessageView;
  const edit = { conversation: VIC, text: 'Hello', seen: 4, instead: null } as const;
  app.rewritten.set('m', edit);
  const first = app.rewrite(VIC, message);
  const second = app.rewrite(VIC, message);
  expect(done.filter(({ name }) => name === 'edit_message')).toHaveLength(1);
  app.rewritten.set('m', { ...edit, text: 'Hello Vic' });
  settle?.();
  await Promise.all([first, second]);
  expect(app.rewritten.get('m')?.text).toBe('Hello Vic');
  app.rewritten.clear();
});
