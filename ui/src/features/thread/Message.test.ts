import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { words } from '../../i18n/index.svelte';
import { accountOf, usePlatform, type AccountState, type Delivery, type MessageView, type Settings, type SyncState } from '../../platform';
import { app } from '../../store/app.svelte';
import Message from './Message.svelte';

const VIC = 'c1.1';

let asked: { name: string; request: unknown }[];

beforeEach(() => {
  asked = [];
  usePlatform({
    call: ((name: string, request: unknown) => {
      asked.push({ name, request });
      if (name === 'take_back') return Promise.resolve({ conversation: VIC, kind: 'reply', text: 'Hello', files: [] });
      return Promise.resolve({ conversation: VIC, reply: '', note: '' });
    }) as never,
    subscribe: () => () => {},
    pictureUrl: () => '',
  });
  app.forget(1);
  app.now = 1_000;
});

afterEach(cleanup);

function shows(delivery: Delivery, of: Partial<MessageView> = {}) {
  const message: MessageView = {
    key: 'c', id: null, number: 0, author: { who: 'agent', id: 1, name: 'Ann' }, mine: true, kind: 'reply',
    text: [{ part: 'text', text: 'Hello' }], attachments: [], files: [], created_at: 0, delivery, refusal: null, client_id: 'c',
    sends_at: null, seen: null, ...of,
  };
  render(Message, { conversation: VIC, message, name: 'Vic', askLink: () => {}, showPicture: () => {} });
}

const button = (action: string) => screen.getByRole('button', { name: words.m.actionOf({ action, text: 'Hello' }) });

test('a reply that is kept back counts down, and its button makes unsent text of it', async () => {
  shows('delayed', { sends_at: 6_000 });
  expect(screen.getByText(words.m.deliveryDelayed({ seconds: 5 }), { exact: false })).toBeTruthy();
  await fireEvent.click(button(words.m.undo()));
  await expect.poll(() => app.drafts.get(VIC).reply).toBe('Hello');
  expect(asked.find(({ name }) => name === 'take_back')?.request).toEqual({ conversation: VIC, client_id: 'c' });
});

test('a reply that somebody forestalled says so and leaves three ways', async () => {
  shows('held', { seen: 1 });
  expect(screen.getByText(words.m.heldWhy())).toBeTruthy();
  expect([words.m.sendAnyway(), words.m.editMessage(), words.m.discard()].map(button)).toHaveLength(3);
  await fireEvent.click(button(words.m.sendAnyway()));
  expect(asked).toEqual([{ name: 'retry', request: { conversation: VIC, client_id: 'c' } }]);
});

test('a refused message says why and what to do', async () => {
  shows('refused', { refusal: 'not_found' });
  expect(screen.getByText(words.m.refusedNotFound())).toBeTruthy();
  await fireEvent.click(button(words.m.discard()));
  expect(asked).toEqual([{ name: 'discard', request: { conversation: VIC, client_id: 'c' } }]);
});

test('what is on its way offers nothing that could come too late', () => {
  shows('retrying');
  expect(screen.getByText(words.m.deliveryRetrying(), { exact: false })).toBeTruthy();
  expect(screen.queryAllByRole('button')).toEqual([]);
});

test('DC-02: without a connection a file that is not on this computer says so', () => {
  const file = (id: number, name: string) => ({ id, name, mime: 'text/csv', size: 10, picture: null });
  app.threads.set(VIC, { messages: [], more_here: false, more_there: false, refused: [], kept: [1] });
  const sync = (state: SyncState) => {
    const account = { account: { id: accountOf(VIC) }, open: true, fault: null, sync: { ...app.sync, state } } as AccountState;
    app.started = { version: '1', accounts: [account], settings: {} as Settings, boxes: [], sync: app.sync };
  };
  sync('live');
  shows('received', { attachments: [file(1, 'here.csv'), file(2, 'there.csv')] });
  expect(screen.queryByText(words.m.fileAway())).toBeNull();
  cleanup();
  sync('offline');
  shows('received', { attachments: [file(1, 'here.csv'), file(2, 'there.csv')] });
  expect(screen.getByText(words.m.fileAway()).parentElement?.textContent).toContain('there.csv');
});
