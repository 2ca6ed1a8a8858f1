import { beforeEach, expect, test, vi } from 'vitest';
import { words } from '../i18n/index.svelte';
import { CommandError, usePlatform, type Commands, type ConversationRow } from '../platform';
import { app } from './app.svelte';
import { notices } from './notices.svelte';

const VIC = 1;

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
  app.forget();
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

const REPLY = { conversation: VIC, kind: 'reply', text: 'Too fast', attachments: [] };

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
  settle?.({ ...REPLY, attachments: [{ id: 1, name: 'plan.pdf' }] });
  await Promise.all([back, flushed]);
  expect(app.drafts.get(VIC).reply).toBe('Too fast\nand on');
  await app.drafts.flush(VIC);
  expect(disk.kept()).toBe('Too fast\nand on');
  expect(app.wantsCaret).toBe(VIC);
  expect(app.returned.get(VIC)?.map((file) => file.name)).toEqual(['plan.pdf']);
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
