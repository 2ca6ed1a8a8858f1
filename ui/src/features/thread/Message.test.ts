import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { words } from '../../i18n/index.svelte';
import { accountOf, usePlatform, type AccountState, type Delivery, type MessageView, type RefusedDeed, type Settings, type SyncState } from '../../platform';
import { app } from '../../store/app.svelte';
import Message from './Message.svelte';

const VIC = 'c1.1';

let asked: { name: string; request: unknown }[];

beforeEach(() => {
  asked = [];
  usePlatform({
    call: ((name: string, request: unknown) => {
      asked.push({ name, request });
      if (name === 'take_back') return Promise.resolve({ conversation: VIC, kind: 'reply', text: 'Hello', mentions: [], files: [] });
      return Promise.resolve({ conversation: VIC, reply: '', note: '', mentions: [] });
    }) as never,
    subscribe: () => () => {},
    pictureUrl: () => '',
  });
  app.forget(1);
  app.now = 1_000;
});

afterEach(cleanup);

function shows(delivery: Delivery, of: Partial<MessageView> = {}, with_: { refused?: RefusedDeed; askDelete?: (message: MessageView) => void } = {}) {
  const message: MessageView = {
    key: 'c', id: null, number: 0, author: { who: 'agent', id: 1, name: 'Ann' }, mine: true, kind: 'reply',
    text: [{ part: 'text', text: 'Hello' }], choices: [], attachments: [], article: null, files: [], created_at: 0, delivery, refusal: null, client_id: 'c',
    sends_at: null, seen: null, rev: null, edited: false, deleted: false, changing: false, may_edit: false, may_delete: false, ...of,
  };
  const { refused = null, askDelete = () => {} } = with_;
  render(Message, { conversation: VIC, message, name: 'Vic', askLink: () => {}, showPicture: () => {}, refused, askDelete });
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

test('TV-06: an article that was sent shows its title and how it begins, as text in its own language', () => {
  const article = { id: 9, title: 'Devoluciones <b>', summary: 'Dentro de 30 días.', language: 'es' };
  shows('sent', { text: [], article });
  const card = screen.getByRole('region', { name: words.m.articleSent() });
  expect(card.textContent).toContain('Dentro de 30 días.');
  expect(screen.getByText('Devoluciones <b>').getAttribute('lang')).toBe('es');
  cleanup();
  shows('sent');
  expect(screen.queryByRole('region', { name: words.m.articleSent() })).toBeNull();
});

const OWN = { id: 7, number: 3, rev: 40, may_edit: true, may_delete: true };
const menu = () => screen.getByRole('button', { name: words.m.actionOf({ action: words.m.messageMenu(), text: 'Hello' }) });
const line = (name: string) => screen.getByRole('menuitem', { name });
const field = () => screen.getByRole<HTMLTextAreaElement>('textbox', { name: words.m.editingMessage() });

test('OD-24: the menu of a message tells who wrote it, and Enter keeps what is written in its place', async () => {
  shows('sent', OWN);
  await fireEvent.click(menu());
  expect(screen.getByRole('menu').textContent).toContain(words.m.you());
  await fireEvent.click(line(words.m.editMessage()));
  expect(field().value).toBe('Hello');
  await fireEvent.input(field(), { target: { value: 'Hello, Vic' } });
  await fireEvent.keyDown(field(), { key: 'Enter' });
  expect(asked.find(({ name }) => name === 'edit_message')?.request).toEqual({ conversation: VIC, message: 7, seen: 40, text: 'Hello, Vic' });
  await expect.poll(() => screen.queryByRole('textbox')).toBeNull();
});

test('OD-24: Escape leaves a message as it was, and an empty one is not kept', async () => {
  shows('sent', OWN);
  await fireEvent.click(menu());
  await fireEvent.click(line(words.m.editMessage()));
  await fireEvent.input(field(), { target: { value: ' ' } });
  await fireEvent.keyDown(field(), { key: 'Enter' });
  expect(field()).toBeTruthy();
  await fireEvent.keyDown(field(), { key: 'Escape' });
  expect(screen.queryByRole('textbox')).toBeNull();
  expect(asked.some(({ name }) => name === 'edit_message')).toBe(false);
});

test('OD-24: deleting is asked for, and what a colleague wrote has no menu', async () => {
  let deleted: MessageView | null = null;
  shows('sent', OWN, { askDelete: (message) => (deleted = message) });
  await fireEvent.click(menu());
  await fireEvent.click(line(words.m.deleteMessage()));
  expect(deleted).toMatchObject({ id: 7 });
  expect(asked.some(({ name }) => name === 'delete_message')).toBe(false);
  cleanup();
  shows('received', { id: 8, mine: false });
  expect(screen.queryByRole('button')).toBeNull();
});

test('OD-24: a deleted message keeps its place, and an edited one says so', () => {
  shows('sent', { ...OWN, text: [], deleted: true, may_edit: false, may_delete: false });
  expect(screen.getByText(words.m.messageDeleted())).toBeTruthy();
  cleanup();
  shows('sent', { ...OWN, edited: true, changing: true });
  expect(screen.getByText(words.m.edited(), { exact: false })).toBeTruthy();
  expect(screen.getByText(words.m.changeQueued(), { exact: false })).toBeTruthy();
});

test('OD-24: a text that came too late stands beside what the message says now, and can be taken up again', async () => {
  const refused: RefusedDeed = { client_id: 'e', deed: 'edit_message', refusal: 'conflict', message: 7, text: 'Hello, Wen' };
  shows('sent', { ...OWN, rev: 50, text: [{ part: 'text', text: 'Hello' }] }, { refused });
  expect(screen.getByText('Hello')).toBeTruthy();
  expect(screen.getByText('Hello, Wen')).toBeTruthy();
  await fireEvent.click(screen.getByRole('button', { name: words.m.editAgain() }));
  expect(field().value).toBe('Hello, Wen');
  expect(app.rewritten.get('c')).toEqual({ conversation: VIC, text: 'Hello, Wen', seen: 50, instead: 'e' });
  expect(asked.some(({ name }) => name === 'discard'), 'it is kept until the new one is').toBe(false);
  await fireEvent.keyDown(field(), { key: 'Enter' });
  await expect.poll(() => asked.slice(-2)).toEqual([
    { name: 'edit_message', request: { conversation: VIC, message: 7, seen: 50, text: 'Hello, Wen' } },
    { name: 'discard', request: { conversation: VIC, client_id: 'e' } },
  ]);
});

test('OD-24: a text for a message that somebody deleted meanwhile can be sent as a new one', async () => {
  const refused: RefusedDeed = { client_id: 'e', deed: 'edit_message', refusal: 'conflict', message: 7, text: 'Hello, Wen' };
  shows('sent', { ...OWN, may_edit: false, may_delete: false, deleted: true, kind: 'note', text: [] }, { refused });
  await fireEvent.click(screen.getByRole('button', { name: words.m.editAgain() }));
  await expect.poll(() => asked.slice(-2)).toEqual([
    { name: 'save_draft', request: { conversation: VIC, reply: '', note: 'Hello, Wen', mentions: [] } },
    { name: 'discard', request: { conversation: VIC, client_id: 'e' } },
  ]);
});

test('OD-24: what is written while a change of mine is on its way builds on that one', async () => {
  shows('sent', { ...OWN, changing: true });
  await fireEvent.click(menu());
  await fireEvent.click(line(words.m.editMessage()));
  await fireEvent.keyDown(field(), { key: 'Enter' });
  expect(asked.find(({ name }) => name === 'edit_message')?.request).toMatchObject({ message: 7, seen: null });
});

test('what a visitor answered before the chat is shown question by question, as they wrote it', () => {
  const answers = [{ kind: 'email', label: '', answer: 'vic@home.example' }, { kind: 'text', label: 'Order <b>', answer: '7' }];
  const text = `form:${JSON.stringify(answers)}`;
  // Addresses in it are links of the text, which comes in parts.
  const parts = [{ part: 'text' as const, text: text.slice(0, 30) }, { part: 'text' as const, text: text.slice(30) }];
  shows('received', { kind: 'system', text: parts, mine: false });
  expect(screen.getByText(words.m.systemForm(), { exact: false })).toBeTruthy();
  const shown = (role: string) => screen.getAllByRole(role).map((element) => element.textContent);
  expect(shown('term')).toEqual([words.m.formEmail(), 'Order <b>']);
  expect(shown('definition')).toEqual(['vic@home.example', '7']);
});

test('OD-27: a mention stands out, mine more, and a note that mentions whom it may not names them', () => {
  const ben = { part: 'mention' as const, agent: 2, text: '@Ben', me: false };
  const me = { part: 'mention' as const, agent: 1, text: '@Ann', me: true };
  shows('received', { kind: 'note', text: [ben, { part: 'text', text: ' and ' }, me], mine: false });
  expect(screen.getByText('@Ben').classList.contains('me')).toBe(false);
  expect(screen.getByText('@Ann').classList.contains('me')).toBe(true);
  cleanup();
  shows('refused', { kind: 'note', text: [ben, { part: 'text', text: ' look, ' }, ben], refusal: 'invalid' });
  expect(screen.getByText(words.m.refusedMention({ names: 'Ben' }))).toBeTruthy();
});

test('TV-06: what a question of the desk offers stands beneath it, to be read and not to be pressed', () => {
  const hostile = '<img src=x onerror="window.hacked = 1">';
  shows('received', { author: { who: 'desk' }, mine: false, client_id: null, choices: ['An order', hostile] });
  const list = screen.getByRole('list', { name: words.m.messageChoices() });
  expect([...list.children].map((line) => line.textContent)).toEqual(['An order', hostile]);
  expect(list.querySelector('button, img')).toBeNull();
  cleanup();
  shows('received', { choices: [] });
  expect(screen.queryByRole('list')).toBeNull();
});

test('TV-06: the lines of a flow are sentences', () => {
  const line = (code: string) => {
    shows('received', { kind: 'system', author: { who: 'desk' }, text: [{ part: 'text', text: code }] });
    const text = document.querySelector('.system')?.textContent;
    cleanup();
    return text;
  };
  expect(line('flow:Parcels')).toContain(words.m.systemFlow({ name: 'Parcels' }));
  expect(line('flow_stopped')).toContain(words.m.systemFlowStopped());
  expect(line('flow_handed_over')).toContain(words.m.systemFlowHandedOver());
});

test.each([{ isComposing: true }, { keyCode: 229 }])('OD-24: the Enter of an input method keeps no half a word', async (key) => {
  shows('sent', OWN);
  await fireEvent.click(menu());
  await fireEvent.click(line(words.m.editMessage()));
  await fireEvent.keyDown(field(), { key: 'Enter', ...key });
  expect(asked.some(({ name }) => name === 'edit_message')).toBe(false);
});
