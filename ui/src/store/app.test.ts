import { beforeEach, expect, test } from 'vitest';
import { usePlatform, type Commands, type ConversationRow } from '../platform';
import { app } from './app.svelte';

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
