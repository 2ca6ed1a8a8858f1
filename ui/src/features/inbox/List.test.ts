import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { tick } from 'svelte';
import { words } from '../../i18n/index.svelte';
import { usePlatform, type ConversationList, type ConversationRow, type Folder } from '../../platform';
import { app } from '../../store/app.svelte';
import List from './List.svelte';

/** What the disk holds in every folder, by name. */
let rows: Record<Folder, string[]>;
const people = ['Vic', 'Wen', 'Xia'];
/** Of all of them. */
let state: ConversationRow['state'];

beforeEach(async () => {
  vi.useFakeTimers();
  state = 'open';
  rows = { open: ['Vic', 'Wen'], waiting: [], mine: [], snoozed: [], closed: [], team: [] };
  usePlatform({
    call: (_, request) => Promise.resolve(listOf((request as { folder: Folder }).folder) as never),
    subscribe: () => () => {},
    pictureUrl: () => '',
  });
  app.forget(1);
  app.folder = 'open';
  await app.loadList();
  render(List);
});

afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

function listOf(folder: Folder): ConversationList {
  const row = (name: string) => ({ id: people.indexOf(name) + 1, name, state, preview: null, active_at: 0, waiting_since: null, unread: 0, labels: [] });
  return { ...app.list, rows: rows[folder].map((name) => row(name) as unknown as ConversationRow) };
}

async function comes(names: string[], folder: Folder = 'open') {
  rows[folder] = names;
  app.folder = folder;
  await app.loadList();
  await tick();
}

const names = () => screen.getAllByRole('listitem').map((item) => item.querySelector('.name')?.textContent);
const list = () => screen.getByRole('list');

test('OD-06: rows move at once when no pointer is over them', async () => {
  await comes(['Wen', 'Vic']);
  expect(names()).toEqual(['Wen', 'Vic']);
});

test('OD-06: rows stay under a pointer that moves, and move when it leaves', async () => {
  await fireEvent.pointerMove(list());
  await comes(['Xia', 'Wen', 'Vic']);
  expect(names()).toEqual(['Vic', 'Wen', 'Xia']);
  await fireEvent.pointerLeave(list());
  expect(names()).toEqual(['Xia', 'Wen', 'Vic']);
});

test('OD-06: rows stay under a pointer until it has rested for two seconds', async () => {
  await fireEvent.pointerMove(list());
  await comes(['Wen', 'Vic']);
  await vi.advanceTimersByTimeAsync(1999);
  expect(names()).toEqual(['Vic', 'Wen']);
  await fireEvent.pointerMove(list());
  await vi.advanceTimersByTimeAsync(1999);
  expect(names()).toEqual(['Vic', 'Wen']);
  await vi.advanceTimersByTimeAsync(1);
  expect(names()).toEqual(['Wen', 'Vic']);
});

test('OD-06: a key takes up the order at once, wherever the pointer is', async () => {
  await fireEvent.pointerMove(list());
  await comes(['Wen', 'Vic']);
  await fireEvent.keyDown(document.body, { key: 'j' });
  expect(names()).toEqual(['Wen', 'Vic']);
});

test('OD-06: another folder never mixes with the one before, wherever the pointer is', async () => {
  await fireEvent.pointerMove(list());
  await comes(['Xia'], 'closed');
  expect(names()).toEqual(['Xia']);
});

test('OD-06: a long folder says how many it has, shows more when asked, and says when that is all it can', async () => {
  const all = Array.from({ length: 600 }, (_, at) => ({ id: `c1.${at}`, name: `Visitor ${at}`, preview: null, active_at: 0, waiting_since: null, unread: 0, labels: [] }));
  const counts = { ...app.list.counts, closed: 600 };
  usePlatform({
    call: (_, request) => Promise.resolve({ ...app.list, counts, rows: all.slice(0, (request as { limit: number }).limit) } as never),
    subscribe: () => () => {},
    pictureUrl: () => '',
  });
  app.started = { accounts: [{ account: { id: 1 }, open: true }] } as never;
  const shows = async () => {
    await vi.advanceTimersByTimeAsync(100);
    return [screen.getAllByRole('listitem').length, document.querySelector('.total')?.textContent];
  };
  app.showFolder('closed');
  expect(await shows()).toEqual([300, '600']);
  expect(screen.queryByText(words.m.listMost({ count: 300 }))).toBeNull();
  const button = screen.getByRole('button', { name: words.m.listMore() });
  button.focus();
  await fireEvent.click(button);
  expect(await shows()).toEqual([500, '600']);
  expect(screen.getByText(words.m.listMost({ count: 500 }))).toBeTruthy();
  expect(document.activeElement?.textContent).toContain('Visitor 300');
  expect(screen.queryByRole('button', { name: words.m.listMore() })).toBeNull();
  app.showFolder('open');
  expect((await shows())[0], 'another folder begins anew').toBe(300);
  app.started = null;
});

test('OD-27: a closed chat that is mine because of a mention says that it is closed, and among closed ones none does', async () => {
  const pill = () => screen.queryByText(words.m.stateClosed(), { selector: '.pill' });
  await comes(['Vic'], 'mine');
  expect(pill()).toBeNull();
  state = 'closed';
  await comes(['Vic'], 'mine');
  expect(pill()).toBeTruthy();
  await comes(['Vic'], 'closed');
  expect(names()).toEqual(['Vic']);
  expect(pill()).toBeNull();
});
