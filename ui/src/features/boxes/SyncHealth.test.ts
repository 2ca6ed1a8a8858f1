import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { words } from '../../i18n/index.svelte';
import { usePlatform } from '../../platform';
import { app } from '../../store/app.svelte';
import SyncHealth from './SyncHealth.svelte';

let asked: { name: string; request: unknown }[];

beforeEach(() => {
  asked = [];
  const sync = { ...app.sync, state: 'live' as const, synced_at: 0, last_event_at: null, lag: 7, unsent: 2, refused: 1, held: 3 };
  app.sync = { ...sync, lag: 0 };
  app.boxes = [{ conversation: 'c1.1', state: 'restored', last_focus: 1, tab: 'reply' }];
  usePlatform({
    call: ((name: string, request: unknown) => {
      asked.push({ name, request });
      return Promise.resolve(name === 'sync_health' ? { sync, holes: 4, accounts: [] } : {});
    }) as never,
    subscribe: () => () => {},
    pictureUrl: () => '',
  });
  render(SyncHealth);
});

afterEach(cleanup);

/** What stands beside a word. */
const beside = (what: string) => screen.getByText(what).parentElement?.querySelector('dd')?.textContent;

async function opens() {
  const event = new Event('toggle') as Event & { newState: string };
  event.newState = 'open';
  await fireEvent(screen.getByRole('dialog', { hidden: true }), event);
}

test('nothing is asked before somebody wants to know', () => {
  expect(asked).toEqual([]);
});

test('the facts are fresh when somebody looks, and the chats on screen are looked through for gaps', async () => {
  await opens();
  await vi.waitFor(() => expect(beside(words.m.syncHoles())).toBe('4'));
  expect(asked[0]).toEqual({ name: 'sync_health', request: { conversations: ['c1.1'] } });
  expect(beside(words.m.syncHeard())).toBe(words.m.syncNever());
  expect([words.m.syncLag(), words.m.syncUnsent(), words.m.syncRefused(), words.m.syncHeld()].map(beside)).toEqual(['7', '2', '1', '3']);
});

test('a network that blocks live connections is named, on the line and in the details', async () => {
  expect(screen.queryByText(words.m.syncBlocked())).toBeNull();
  app.sync = { ...app.sync, over_http: true };
  expect(await screen.findByText(words.m.syncBlocked())).toBeTruthy();
  const line = screen.getByRole('button', { expanded: false }).textContent ?? '';
  expect(line).toContain(words.m.syncOverHttp({ state: '' }).trim());
});

test('somebody who does not want to wait tries at once', async () => {
  await opens();
  await fireEvent.click(screen.getByText(words.m.retryNow()));
  expect(asked.map(({ name }) => name)).toContain('retry_now');
});
