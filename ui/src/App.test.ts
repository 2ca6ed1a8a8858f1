import { cleanup, fireEvent, render, screen, within } from '@testing-library/svelte';
import { tick } from 'svelte';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import App from './App.svelte';
import { shortTime, words } from './i18n/index.svelte';
import { usePlatform, type AppEvent, type Commands, type ConversationRef, type ConversationRow, type MessageView, type StartView, type SyncView } from './platform';
import { app } from './store/app.svelte';

const VIC: ConversationRef = 'c1.1';
const WEN: ConversationRef = 'c1.2';

const row = (id: ConversationRef, name: string) =>
  ({
    id,
    account: 1,
    name,
    visitor: `v1.${id.slice(3)}`,
    visitor_number: 1,
    state: 'open',
    my_read: 1,
    last_number: 1,
    unread: 0,
    labels: [],
    priority: 'none',
    assignee: null,
    team: null,
    waiting_since: null,
    snoozed_until: null,
    active_at: 0,
    preview: null,
  }) as unknown as ConversationRow;

const says = (number: number, text: string) =>
  ({
    key: String(number),
    number,
    id: number,
    client_id: null,
    kind: 'reply',
    author: { who: 'visitor' },
    mine: false,
    delivery: 'received',
    created_at: 0,
    text: [{ part: 'text', text }],
    attachments: [],
    files: [],
    choices: [],
    article: null,
  }) as unknown as MessageView;

let rows: ConversationRow[];
/** What every chat says. */
let messages: MessageView[];
/** There are older ones on this computer. */
let older: boolean;
/** Holds up what the disk tells of a chat. */
let disk: Promise<void>;
/** Everything the page has asked its host to do. */
let done: { name: keyof Commands; request: unknown }[];
let tell: (event: AppEvent) => void;

const of = (name: keyof Commands) => done.filter((one) => one.name === name).map(({ request }) => request);

/** A desk at which Vic and Wen wait, on a computer where Ann looks at the window. */
beforeEach(async () => {
  HTMLDialogElement.prototype.showModal ??= () => {};
  rows = [row(VIC, 'Vic'), row(WEN, 'Wen')];
  messages = [];
  older = false;
  disk = Promise.resolve();
  done = [];
  const sync = { ...app.sync, state: 'live' as const };
  const started = {
    accounts: [{ account: { id: 1, agent: 1, name: 'Ann', desk: 'Shop' }, open: true, fault: null, sync }],
    settings: { language: 'en', theme: 'system', single_keys: true, open_boxes: true },
    boxes: [],
    sync,
  } as unknown as StartView;
  const counts = { open: 2, waiting: 0, mine: 0, snoozed: 0, closed: 0, unread: 0, team_unread: 0, waiting_since: null };
  const answers: Partial<Record<keyof Commands, (request: { conversation: ConversationRef }) => unknown>> = {
    start: () => started,
    list_conversations: () => ({ rows, counts, accounts: [] }),
    conversation: ({ conversation }) => disk.then(() => rows.find(({ id }) => id === conversation)),
    messages: () => ({ messages, refused: [], kept: [], more_here: older, more_there: false }),
    draft: ({ conversation }) => ({ conversation, reply: '', note: '', mentions: [] }),
    draft_files: () => [],
    visitors: () => [],
    visitor_details: () => new Promise(() => {}),
    desk_offer: () => ({ provider: null }),
  };
  usePlatform({
    call: ((name: keyof Commands, request: never) => {
      done.push({ name, request });
      return Promise.resolve(answers[name]?.(request) ?? {});
    }) as never,
    subscribe: (listener) => {
      tell = listener;
      return () => {};
    },
    pictureUrl: () => '',
  });
  app.started = null;
  app.view = 'inbox';
  app.folder = 'open';
  app.forget(1);
  render(App);
  app.active = true;
  app.width = 1280;
  await screen.findByRole('button', { name: /Vic/u });
});

afterEach(() => {
  cleanup();
  app.dialog = null;
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const field = (name: string) => screen.findByRole<HTMLTextAreaElement>('combobox', { name: words.m.replyTo({ name }) });
const log = (name: string) => screen.findByRole('log', { name: words.m.messagesWith({ name }) });
const press = (key: string, more: KeyboardEventInit = {}) => fireEvent.keyDown(document.activeElement ?? document.body, { key, code: key, ...more });

async function opens(name: string) {
  await fireEvent.click(screen.getByRole('button', { name: new RegExp(name, 'u') }));
  return field(name);
}

test('TV-01: a chat that is not on screen any more has not got the focus, so that it rings', async () => {
  (await opens('Vic')).focus();
  expect(of('set_focus').at(-1)).toEqual({ conversation: VIC });
  await press('5', { altKey: true, code: 'Digit5' });
  expect(of('set_focus').at(-1), 'the list of visitors has taken its place').toEqual({ conversation: null });
  await press('1', { altKey: true, code: 'Digit1' });
  expect(app.focused, 'nobody has put the caret back').toBeNull();
});

test('OD-23: whoever points at a chat writes there at once, and whoever came by keys goes on in the list', async () => {
  const line = screen.getByRole('button', { name: /Vic/u });
  line.focus();
  await fireEvent.click(line, { detail: 0 });
  await field('Vic');
  expect(document.activeElement).toBe(line);
  await fireEvent.click(line, { detail: 1 });
  await vi.waitFor(async () => expect(document.activeElement).toBe(await field('Vic')));
});

test('DK-15: a screen without a chat names the keys of this system', async () => {
  cleanup();
  vi.spyOn(navigator, 'platform', 'get').mockReturnValue('MacIntel');
  render(App);
  expect(await screen.findByText(/⌘J/u)).toBeTruthy();
});

test('DK-15: what a key does is done to the chat on screen, not to the one before it', async () => {
  await opens('Vic');
  (await log('Vic')).focus();
  await press('j');
  await log('Wen');
  await press('e');
  await vi.waitFor(() => expect(of('set_state')).toEqual([{ conversation: WEN, state: 'closed' }]));
});

test('OD-15: a chat that has become a bar is not read by what comes now', async () => {
  rows = [{ ...row(VIC, 'Vic'), mine: true }, row(WEN, 'Wen')];
  await opens('Vic');
  (await log('Vic')).focus();
  await press('j');
  await log('Wen');
  expect(app.boxes.find(({ conversation }) => conversation === VIC)?.state).toBe('minimised');
  rows = rows.map((one) => ({ ...one, last_number: 2 }));
  vi.useFakeTimers();
  tell({ event: 'changed', conversations: [VIC], visitors: false, canned_texts: false });
  await vi.advanceTimersByTimeAsync(3000);
  expect(of('mark_read')).toEqual([]);
});

test('TV-01: a press beside the chat takes the focus from it, also where a button takes none', async () => {
  (await opens('Vic')).focus();
  await fireEvent.pointerDown(screen.getByRole('heading', { name: words.m.folderOpen() }));
  expect(of('set_focus').at(-1)).toEqual({ conversation: null });
  await fireEvent.pointerDown(await log('Vic'));
  expect(of('set_focus').at(-1)).toEqual({ conversation: VIC });
});

test('TV-01: a page that is hidden shows no chat', async () => {
  (await opens('Vic')).focus();
  vi.spyOn(document, 'hidden', 'get').mockReturnValue(true);
  await fireEvent(document, new Event('visibilitychange'));
  expect(of('set_focus').at(-1)).toEqual({ conversation: null });
});

test('TV-01: a dialog above a chat covers it, and keys do nothing behind it', async () => {
  rows = [{ ...row(VIC, 'Vic'), participants: [] } as unknown as ConversationRow, row(WEN, 'Wen')];
  (await opens('Vic')).focus();
  const dialog = document.createElement('dialog');
  dialog.open = true;
  const button = document.createElement('button');
  dialog.append(button);
  (await log('Vic')).after(dialog);
  button.focus();
  expect(of('set_focus').at(-1)).toEqual({ conversation: null });
  await press('e');
  await press('Escape');
  expect(of('set_state')).toEqual([]);
  expect(app.maximised, 'Escape is for the dialog').toBe(VIC);
});

const menus = () => screen.queryAllByRole('menu').length;

test('OD-13: the key that puts a chat off opens its menu, and none of a closed chat, now or later', async () => {
  const caret = await opens('Vic');
  caret.focus();
  await press('m', { altKey: true, code: 'KeyM' });
  await vi.waitFor(() => expect(menus()).toBe(1));
  await press('Escape');
  expect(document.activeElement).toBe(caret);
  const changes = async (state: ConversationRow['state']) => {
    rows = rows.map((one) => ({ ...one, state }));
    tell({ event: 'changed', conversations: [VIC], visitors: false, canned_texts: false });
    await screen.findByRole('button', { name: state === 'closed' ? words.m.reopen() : words.m.done() });
  };
  await changes('closed');
  await press('m', { altKey: true, code: 'KeyM' });
  expect(menus()).toBe(0);
  await changes('open');
  expect([menus(), document.activeElement], 'Vic wrote, and Ann types').toEqual([0, caret]);
});

test('DK-16: a bar for which there is no room does not take the caret when it opens by itself', async () => {
  app.width = 1000;
  app.boxes = [
    { conversation: VIC, state: 'restored', last_focus: 1, tab: 'reply' },
    { conversation: WEN, state: 'minimised', last_focus: 0, tab: 'reply' },
  ];
  app.refreshAll();
  const caret = await field('Vic');
  caret.focus();
  await fireEvent.click(await screen.findByRole('button', { name: 'Wen' }));
  expect(app.boxes.map(({ state }) => state)).toEqual(['restored', 'minimised']);
  app.width = 1280;
  tell({ event: 'ring', conversations: [WEN] });
  await field('Wen');
  expect(document.activeElement).toBe(caret);
});

test('DK-15: while a chat comes from the disk, nobody is told to choose one, and nothing moves', async () => {
  await opens('Vic');
  const panes = () => document.querySelector('.window')?.className;
  const before = panes();
  let read = () => {};
  disk = new Promise((resolve) => (read = resolve));
  await press('j');
  await vi.waitFor(() => expect(screen.queryByRole('log')).toBeNull());
  expect([screen.queryByText(words.m.selectChat({ keys: 'Ctrl+J' })), panes()]).toEqual([null, before]);
  read();
  await log('Wen');
});

test('DK-16: a bar that is taken up has the caret in its field, whatever was found in that chat before', async () => {
  messages = [says(1, 'Hello')];
  await opens('Vic');
  await app.goTo(VIC, 1);
  await vi.waitFor(() => expect(document.activeElement?.textContent).toContain('Hello'));
  await press('m', { ctrlKey: true, shiftKey: true, code: 'KeyM' });
  await fireEvent.click(await screen.findByRole('button', { name: 'Vic' }));
  const caret = await field('Vic');
  await vi.waitFor(() => expect(document.activeElement).toBe(caret));
  expect(app.target).toBeNull();
});

test('OD-15: what comes below what Ann reads further up stays unread, and a button leads to it', async () => {
  rows = [{ ...row(VIC, 'Vic'), unread: 0 }, row(WEN, 'Wen')];
  messages = [says(1, 'Hello')];
  await opens('Vic');
  const element = await log('Vic');
  await screen.findByText('Hello');
  for (const [name, value] of [['scrollHeight', 1000], ['clientHeight', 300]] as const) Object.defineProperty(element, name, { value });
  element.scrollTop = 200;
  await fireEvent.scroll(element);
  element.focus();
  expect(of('set_focus').at(-1), 'what comes now is not on screen, so that it is told').toEqual({ conversation: null });
  vi.useFakeTimers();
  const news = () => screen.queryByRole('button', { name: words.m.newMessages() });
  expect(news()).toBeNull();
  rows = [{ ...row(VIC, 'Vic'), last_number: 2, unread: 1 }, row(WEN, 'Wen')];
  messages = [...messages, says(2, 'Is anybody there?')];
  tell({ event: 'changed', conversations: [VIC], visitors: false, canned_texts: false });
  await vi.advanceTimersByTimeAsync(3000);
  expect(of('mark_read')).toEqual([]);
  await fireEvent.click(news() as HTMLElement);
  expect([element.scrollTop, document.activeElement]).toEqual([1000, element]);
  expect(of('set_focus').at(-1)).toEqual({ conversation: VIC });
  await vi.advanceTimersByTimeAsync(1000);
  expect(of('mark_read')).toEqual([{ conversation: VIC, number: 2 }]);
  expect(news()).toBeNull();
});

test('OD-23: what Ann sends is on screen wherever she reads, and what Vic writes moves nothing', async () => {
  messages = [says(1, 'Hello')];
  const caret = await opens('Vic');
  const element = await log('Vic');
  await screen.findByText('Hello');
  for (const [name, value] of [['scrollHeight', 1000], ['clientHeight', 300]] as const) Object.defineProperty(element, name, { value });
  const comes = async (message: MessageView, text: string) => {
    messages = [...messages, message];
    tell({ event: 'changed', conversations: [VIC], visitors: false, canned_texts: false });
    await screen.findByText(text);
    await tick();
    return element.scrollTop;
  };
  element.scrollTop = 200;
  await fireEvent.scroll(element);
  expect(await comes(says(2, 'Is anybody there?'), 'Is anybody there?')).toBe(200);
  const mine = { ...says(3, 'I am'), mine: true, author: { who: 'agent', id: 1, name: 'Ann' } } as MessageView;
  expect(await comes(mine, 'I am'), 'sent from another computer of hers').toBe(200);
  caret.value = 'Here';
  await fireEvent.input(caret);
  await fireEvent.keyDown(caret, { key: 'Enter' });
  await vi.waitFor(() => expect(element.scrollTop).toBe(1000));
  element.scrollTop = 900;
  expect(await comes({ ...mine, key: '4', number: 4, text: [{ part: 'text', text: 'Here' }] }, 'Here'), 'it comes once it is on the disk').toBe(1000);
});

test('OD-15: a chat is read after a second, however often others write meanwhile', async () => {
  rows = [{ ...row(VIC, 'Vic'), last_number: 2 }, row(WEN, 'Wen')];
  app.boxes = [{ conversation: WEN, state: 'minimised', last_focus: 0, tab: 'reply' }];
  const caret = await opens('Vic');
  vi.useFakeTimers();
  caret.focus();
  for (let at = 0; at < 3; at++) {
    tell({ event: 'changed', conversations: [WEN], visitors: false, canned_texts: false });
    await vi.advanceTimersByTimeAsync(400);
  }
  expect(of('mark_read')).toEqual([{ conversation: VIC, number: 2 }]);
});

test('DK-16: who types on while the field goes away gives no command, and who leaves the field does', async () => {
  const caret = await opens('Vic');
  const taken = () => of('assign').length;
  vi.useFakeTimers();
  const types = async (key: string, after: number) => {
    await vi.advanceTimersByTimeAsync(after);
    await press(key);
  };
  caret.focus();
  await types('w', 0);
  caret.blur();
  await types('i', 200);
  await types('i', 900);
  expect(taken(), 'the rest of the sentence').toBe(0);
  await types('i', 1100);
  expect(taken()).toBe(1);
  caret.focus();
  await types('w', 0);
  await types('Escape', 0);
  await types('i', 0);
  expect(taken(), 'Ann left the field').toBe(2);
  caret.focus();
  await types('w', 0);
  caret.blur();
  await fireEvent.pointerDown(screen.getByRole('log'));
  await types('i', 0);
  expect(taken(), 'Ann pressed beside it').toBe(3);
});

test('OD-24: whoever has written a message anew, or given up, goes on in the field of the chat', async () => {
  messages = [{ ...says(1, 'Helo'), mine: true, author: { who: 'agent', id: 1, name: 'Ann' }, may_edit: true } as MessageView];
  const caret = await opens('Vic');
  for (const key of ['Escape', 'Enter']) {
    await fireEvent.click(screen.getByRole('button', { name: words.m.actionOf({ action: words.m.messageMenu(), text: 'Helo' }) }));
    await fireEvent.click(screen.getByRole('menuitem', { name: words.m.editMessage() }));
    expect(document.activeElement).toBe(screen.getByRole('textbox', { name: words.m.editingMessage() }));
    await press(key);
    await vi.waitFor(() => expect(document.activeElement).toBe(caret));
  }
  expect(of('edit_message')).toHaveLength(1);
});

test('DK-16: whoever closes a bar goes on at the next one, and after the last at the dock', async () => {
  app.boxes = [VIC, WEN].map((conversation) => ({ conversation, state: 'minimised', last_focus: 0, tab: 'reply' }));
  app.refreshAll();
  const bar = (name: string) => screen.findByRole('button', { name });
  (await bar('Vic')).focus();
  await press('Delete');
  expect(document.activeElement).toBe(await bar('Wen'));
  const cross = await bar(words.m.closeBoxOf({ name: 'Wen' }));
  cross.focus();
  await fireEvent.click(cross);
  expect(document.activeElement?.textContent).toContain(words.m.online());
});

test('whoever has read a chat back to its beginning stays among its messages', async () => {
  messages = [says(2, 'And again')];
  older = true;
  await opens('Vic');
  const button = await screen.findByRole('button', { name: words.m.loadOlder() });
  button.focus();
  older = false;
  await fireEvent.click(button);
  await vi.waitFor(() => expect(document.activeElement).toBe(screen.getByRole('log')));
});

/** The connection tells how it is. */
function tellSync(more: Partial<SyncView>) {
  const sync = { ...app.sync, offline_since: null, ...more };
  tell({ event: 'sync', accounts: [{ account: 1, sync }], sync });
}

test('DC-02: whoever is to sign in again at the only desk goes on reading, and signs in when they want to', async () => {
  await opens('Vic');
  tellSync({ state: 'expired' });
  const button = await screen.findByRole('button', { name: words.m.signInAgain() });
  expect(button.parentElement?.textContent).toContain(words.m.syncExpired());
  const dialogs = () => screen.queryAllByRole('dialog', { name: words.m.signInAgain() });
  expect(dialogs()).toEqual([]);
  expect(await log('Vic')).toBeTruthy();
  await fireEvent.click(button);
  const dialog = within(await screen.findByRole('dialog', { name: words.m.signInAgain() }));
  await fireEvent.click(dialog.getByRole('button', { name: words.m.close() }));
  expect(dialogs()).toEqual([]);
});

test('DC-02: a connection that is lost since yesterday says since which day', async () => {
  const yesterday = Date.now() - 24 * 3_600_000;
  tellSync({ state: 'offline', offline_since: yesterday });
  expect(await screen.findByText(words.m.offlineSince({ time: shortTime(yesterday, Date.now()) }), { exact: false })).toBeTruthy();
});

test('DK-16: the list of bars without room closes with a choice, and Escape closes it and nothing behind it', async () => {
  app.width = 480;
  app.boxes = [WEN].map((conversation) => ({ conversation, state: 'minimised', last_focus: 0, tab: 'reply' }));
  app.refreshAll();
  await opens('Vic');
  (await log('Vic')).focus();
  const shows = async (newState: string) => fireEvent(list, Object.assign(new Event('toggle'), { newState }));
  const list = (await screen.findByRole('button', { name: 'Wen' })).closest<HTMLElement>('[popover]') as HTMLElement;
  const hidden = vi.fn();
  list.hidePopover = hidden;
  await shows('open');
  await press('Escape');
  expect(app.maximised, 'the list alone closes').toBe(VIC);
  await shows('closed');
  await shows('open');
  await fireEvent.click(screen.getByRole('button', { name: 'Wen' }));
  expect(hidden).toHaveBeenCalledOnce();
  list.remove();
  const caret = await field('Wen');
  caret.focus();
  await press('Escape');
  await press('Escape');
  expect(document.activeElement, 'no list is open any more').not.toBe(caret);
});
