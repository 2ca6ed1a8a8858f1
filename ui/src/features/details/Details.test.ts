import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, expect, test, vi } from 'vitest';
import { shortTime, words } from '../../i18n/index.svelte';
import { type VisitorDetails, usePlatform } from '../../platform';
import { app, DRAWER_BELOW_PX } from '../../store/app.svelte';
import Details from './Details.svelte';
import { emailFits } from './edits.svelte';

afterEach(() => {
  cleanup();
  words.use('en');
  app.details.clear();
});

/** Vic, for whom the shop vouches. */
const details: VisitorDetails = {
  visitor: 'v1.7',
  account: 1,
  number: 7,
  contact: 'p1.7',
  name: 'Vic',
  email: '',
  phone: '',
  notes: '',
  region: { country: null, city: null, local: false },
  ip: '',
  browser: '',
  os: '',
  device: '',
  language: '',
  screen: '',
  referrer: '',
  visits: 1,
  chats: 0,
  online: false,
  pages: [],
  conversations: [],
  items: [],
  verified: { external_id: '4711', at: 1_770_000_000_000 },
};

test('DK-06: details that are yet to come say so, and can be closed', () => {
  usePlatform({ call: () => new Promise(() => {}), subscribe: () => () => {}, pictureUrl: () => '' });
  const close = vi.fn();
  render(Details, { visitor: 'v1.7', close });
  expect(screen.getByText(words.m.loading())).toBeTruthy();
  screen.getByRole('button', { name: words.m.close() }).click();
  expect(close).toHaveBeenCalledOnce();
});

test.each(['en', 'es', 'ru'] as const)('DK-06: of an address that is not kept is said what one looks like, which is true whatever is wrong with it (%s)', async (language) => {
  words.use(language);
  usePlatform({ call: () => Promise.resolve(details as never), subscribe: () => () => {}, pictureUrl: () => '' });
  render(Details, { visitor: 'v1.7', close: () => {} });
  const field = await screen.findByLabelText(words.m.fieldEmail());
  for (const bad of ['vic', 'vic@', 'a b@c.d', 'vic@home@shop', `${'v'.repeat(320)}@home.example`]) {
    await fireEvent.input(field, { target: { value: bad } });
    const example = /\S+@\S+\w/u.exec(screen.getByRole('status').textContent)?.[0];
    expect(example && emailFits(example), bad).toBe(true);
  }
});

test('OD-37: of whom the shop vouches for it is said so in words, and by which number', async () => {
  const answers: Partial<Record<string, unknown>> = { visitor_details: details };
  usePlatform({ call: (name) => Promise.resolve(answers[name] as never), subscribe: () => () => {}, pictureUrl: () => '' });
  render(Details, { visitor: 'v1.7', close: () => {} });
  expect(await screen.findByText(words.m.verifiedByShop({ id: '4711' }))).toBeTruthy();
  cleanup();
  app.details.clear();
  // Whoever only says so is not said to be it.
  answers.visitor_details = { ...details, name: 'Verified: 4711', verified: undefined };
  render(Details, { visitor: 'v1.7', close: () => {} });
  await screen.findByText('Verified: 4711');
  expect(screen.queryByText(words.m.verifiedByShop({ id: '4711' }))).toBeNull();
});

test('OD-18: what is to be done about the visitor stands with them, with its kind, number and state', async () => {
  const items: VisitorDetails['items'] = [
    { number: 12, kind: 'ticket', state: 'in_progress', title: '<b>The lid</b>', assignee: 'Ben' },
    { number: 1234, kind: 'task', state: 'closed', title: 'Send a lid', assignee: null },
  ];
  const answers: Partial<Record<string, unknown>> = { visitor_details: { ...details, items } };
  usePlatform({ call: (name) => Promise.resolve(answers[name] as never), subscribe: () => () => {}, pictureUrl: () => '' });
  render(Details, { visitor: 'v1.7', close: () => {} });
  const list = await screen.findByRole('list', { name: words.m.linkedItems() });
  const rows = [...list.querySelectorAll('li')].map((row) => row.textContent!.trim().replaceAll(/\s+/g, ' '));
  expect(rows, 'who has it is read by everybody, not only found by a pointer').toEqual([
    '<b>The lid</b> Ticket 12 · In progress · Assigned to Ben',
    'Send a lid Task 1234 · Done',
  ]);
  cleanup();
  app.details.clear();
  answers.visitor_details = details;
  render(Details, { visitor: 'v1.7', close: () => {} });
  await screen.findByText(words.m.noChats());
  expect(screen.queryByText(words.m.linkedItems())).toBeNull();
});

test('DK-05: the key for details opens a drawer only where it can be seen', () => {
  app.view = 'inbox';
  app.boxes = [{ conversation: 'c1.1', state: 'maximised', last_focus: 1, tab: 'reply' }];
  app.width = DRAWER_BELOW_PX;
  app.toggleDetails();
  expect(app.detailsOpen).toBe(false);
  app.width = DRAWER_BELOW_PX - 1;
  app.toggleDetails();
  expect(app.detailsOpen).toBe(true);
  app.toggleDetails();
  expect(app.detailsOpen).toBe(false);
});

test('DK-05: among the visitors the key for details closes them and opens nothing unseen', () => {
  app.view = 'visitors';
  app.showDetailsOf('v1.7');
  app.toggleDetails();
  expect(app.visitorShown).toBeNull();
  app.toggleDetails();
  app.view = 'inbox';
  expect(app.detailsOpen).toBe(false);
});

test('DK-06: a page that was visited on another day says on which', async () => {
  const at = Date.now() - 3 * 24 * 3_600_000;
  const pages = [{ at, url: 'https://shop.example/tea', title: 'Tea' }] as VisitorDetails['pages'];
  usePlatform({ call: () => Promise.resolve({ ...details, pages } as never), subscribe: () => () => {}, pictureUrl: () => '' });
  render(Details, { visitor: 'v1.7', close: () => {} });
  expect((await screen.findByText('Tea')).closest('li')?.querySelector('time')?.textContent).toBe(shortTime(at, Date.now()));
});
