import { cleanup, fireEvent, render, screen, within } from '@testing-library/svelte';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { words } from '../../i18n/index.svelte';
import { usePlatform, type AccountState, type AccountView, type Commands, type ConversationRow, type StartView, type SyncState } from '../../platform';
import { app } from '../../store/app.svelte';
import SettingsDialog from '../settings/SettingsDialog.svelte';
import List from './List.svelte';
import Sidebar from './Sidebar.svelte';

const LANGUAGES = ['en', 'es', 'ru'] as const;
const COUNTS = { open: 1, waiting: 0, mine: 0, snoozed: 0, closed: 0, unread: 0, team_unread: 0, waiting_since: null };
const SETTINGS = { language: 'en', theme: 'system', keep_days: 30, keep_megabytes: 500 } as StartView['settings'];

let asked: { name: keyof Commands; request: unknown }[];

function account(id: number, desk: string, state: SyncState, fault?: 'keychain_locked' | 'undecryptable'): AccountState {
  const view: AccountView = { id, agent: 1, name: 'Ann', email: 'ann@desk.test', desk, address: `https://desk${id}.test/`, local: false };
  return {
    account: view, open: !fault, fault: fault ? { code: fault, detail: '', field: null } : null, key_place: 'file', kept: null, sync: { ...app.sync, state },
  };
}

function begin(...accounts: AccountState[]) {
  app.started = { version: '1', accounts, settings: SETTINGS, boxes: [], sync: app.sync };
}

/** Vic at each desk, under the same id. */
const vic = (account: number) =>
  ({ id: `c${account}.7`, account, name: 'Vic', visitor_number: 1, active_at: 0, unread: 0, waiting_since: null, preview: null, labels: [] as string[] }) as ConversationRow;

beforeEach(() => {
  asked = [];
  usePlatform({
    call: (name, request) => {
      asked.push({ name, request });
      return new Promise(() => {});
    },
    subscribe: () => () => {},
    pictureUrl: () => '',
  });
  app.list = { rows: [vic(1), vic(2)], counts: COUNTS, accounts: [1, 2].map((id) => ({ account: id, counts: { ...COUNTS, unread: id } })) };
});

afterEach(() => {
  cleanup();
  words.use('en');
  app.desk = null;
  app.started = null;
  app.signingIn = null;
});

test('with one desk nothing says so', () => {
  begin(account(1, 'Tea', 'live'));
  render(Sidebar);
  render(List);
  expect(screen.queryByRole('list', { name: words.m.desks() })).toBeNull();
  expect(screen.queryByText('Tea')).toBeNull();
});

test.each(LANGUAGES)('with two desks each row names its own, and one that is down is marked in words (%s)', (language) => {
  words.use(language);
  begin(account(1, 'Tea', 'live'), account(2, 'Books', 'offline'));
  render(List);
  const rows = within(screen.getByRole('list', { name: words.m.conversations() })).getAllByRole('button');
  expect(rows.map((row) => row.querySelector('.desk bdi')?.textContent)).toEqual(['Tea', 'Books']);
  expect(rows.map((row) => row.textContent?.includes(words.m.offlineShort()))).toEqual([false, true]);
});

test('the desks say how they are and what is unread, and one of them can be had alone', async () => {
  begin(account(1, 'Tea', 'live'), account(2, 'Books', 'live', 'keychain_locked'));
  render(Sidebar);
  const desks = within(screen.getByRole('list', { name: words.m.desks() })).getAllByRole('button');
  expect(desks.map((desk) => desk.getAttribute('aria-pressed'))).toEqual(['true', 'false', 'false']);
  expect(desks[1]?.textContent).toContain(words.m.syncLive());
  expect(desks[2]?.textContent).toContain(words.m.deskLocked());
  expect(desks[2]?.querySelector('.count')?.textContent).toBe(`2 ${words.m.unread()}`);
  await fireEvent.click(desks[1] as HTMLElement);
  expect(desks.map((desk) => desk.getAttribute('aria-pressed'))).toEqual(['false', 'true', 'false']);
  await vi.waitFor(() => expect(asked).toContainEqual({ name: 'list_conversations', request: { folder: 'open', account: 1, limit: 300 } }));
});

test.each(LANGUAGES)('the settings offer for each desk what can be done about it (%s)', async (language) => {
  words.use(language);
  begin(account(1, 'Tea', 'live'), account(2, 'Books', 'live', 'keychain_locked'), account(3, 'Toys', 'live', 'undecryptable'));
  render(SettingsDialog, { settings: SETTINGS, close: () => {} });
  const list = screen.getByRole('list', { name: words.m.desks(), hidden: true });
  const buttons = [...list.querySelectorAll('button')];
  const named = (action: string, text: string) => words.m.actionOf({ action, text });
  expect(buttons.map((button) => button.getAttribute('aria-label'))).toEqual([
    named(words.m.signOut(), 'Tea'), named(words.m.tryAgain(), 'Books'), named(words.m.signInAgain(), 'Toys'),
  ]);
  await fireEvent.click(buttons[1] as HTMLElement);
  expect(asked.at(-1)).toEqual({ name: 'open_account', request: { account: 2 } });
});

test('an account that goes takes its own chats along, and leaves the same number of another desk', () => {
  begin(account(1, 'Tea', 'live'), account(2, 'Books', 'live'));
  app.desk = 1;
  app.boxes = [1, 2].map((id) => ({ conversation: `c${id}.7` as const, state: 'minimised', last_focus: id, tab: 'reply' }));
  for (const id of [1, 2]) app.heads.set(`c${id}.7`, vic(id));
  app.drafts.set('c2.7', 'reply', 'half a chapter');
  app.forget(1);
  expect(app.boxes.map((box) => box.conversation)).toEqual(['c2.7']);
  expect([...app.heads.keys()]).toEqual(['c2.7']);
  expect(app.list.rows.map((row) => row.id)).toEqual(['c2.7']);
  expect([app.drafts.get('c2.7').reply, app.desk]).toEqual(['half a chapter', null]);
  app.forget(2);
});
