import { cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/svelte';
import { tick } from 'svelte';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { words } from '../../i18n/index.svelte';
import { usePlatform, type Assignee, type ConversationRef, type ConversationRow, type MessageView } from '../../platform';
import { announcer } from '../../store/announcer.svelte';
import { app } from '../../store/app.svelte';
import { notices } from '../../store/notices.svelte';
import Head from '../boxes/Head.svelte';
import { previewText } from '../inbox/preview';
import Composer from '../thread/Composer.svelte';
import Message from '../thread/Message.svelte';
import NewInternal from './NewInternal.svelte';
import People from './People.svelte';

const GROUP: ConversationRef = 'c1.7';
const BEN: Assignee = { agent: 2, name: 'Ben', online: true };
const CLEO: Assignee = { agent: 3, name: 'Cleo', online: false };
const row = (more: Partial<ConversationRow>) =>
  ({
    id: GROUP,
    account: 1,
    name: 'Returns',
    internal: true,
    direct: false,
    takes_part: true,
    participants: [{ agent: 2, name: 'Ben' }],
    followed: false,
    followers: [],
    state: 'open',
    assignee: null,
    team: null,
    priority: 'none',
    waiting_since: null,
    ...more,
  }) as ConversationRow;
let calls: [string, unknown][];
let offline: boolean;
/** Holds up what the desk answers to a letter. */
let post: Promise<void>;

beforeEach(() => {
  calls = [];
  offline = false;
  post = Promise.resolve();
  HTMLDialogElement.prototype.showModal ??= () => {};
  usePlatform({
    call: ((name: string, request: unknown) => {
      if (name === 'colleagues') return Promise.resolve([BEN, CLEO]);
      if (name === 'draft_files') return Promise.resolve([]);
      if (name === 'draft') return Promise.resolve({ conversation: GROUP, reply: '', note: '' });
      calls.push([name, request]);
      if (name === 'start_internal') return offline ? Promise.reject(new Error('offline')) : post.then(() => ({ conversation: GROUP }));
      return Promise.resolve({});
    }) as never,
    subscribe: () => () => {},
    pictureUrl: () => '',
  });
  app.emptyLetter();
  app.letter.account = 1;
  app.dialog = 'letter';
  notices.list = [];
});

afterEach(cleanup);

const send = () => screen.getByRole<HTMLButtonElement>('button', { name: words.m.send() });
const type = (label: string, value: string) => fireEvent.input(screen.getByLabelText(label), { target: { value } });

test('OD-27: a message to one colleague needs no title, one to two does, and what was begun stays until it is sent', async () => {
  offline = true;
  let closed = 0;
  render(NewInternal, { close: () => (closed += 1) });
  await fireEvent.click(await screen.findByLabelText(/^Ben/u));
  expect(send().disabled, 'nothing is said yet').toBe(true);
  await type(words.m.internalText(), 'Forty came back');
  expect(send().disabled).toBe(false);
  await fireEvent.click(screen.getByLabelText(/^Cleo/u));
  expect(send().disabled, 'two are a group').toBe(true);
  await type(words.m.internalTitle(), 'Returns');
  await fireEvent.click(send());
  await waitFor(() => expect(calls).toEqual([['start_internal', { account: 1, agents: [2, 3], title: 'Returns', text: 'Forty came back' }]]));
  await waitFor(() => expect(send().disabled).toBe(false));
  expect([closed, app.letter.text], 'the desk does not have it').toEqual([0, 'Forty came back']);
  cleanup();
  render(NewInternal, { close: () => (closed += 1) });
  expect(screen.getByLabelText<HTMLTextAreaElement>(words.m.internalText()).value).toBe('Forty came back');
  offline = false;
  await screen.findByLabelText(/^Ben/u);
  await fireEvent.click(send());
  await waitFor(() => expect(closed).toBe(1));
  expect([app.letter.text, app.folder]).toEqual(['', 'team']);
});

test('OD-27: a chat among the team that begins after its letter was put away opens in front of nothing', async () => {
  const VIC: ConversationRef = 'c1.1';
  app.forget(1);
  app.open(VIC, 'maximised');
  app.wantsCaret = null;
  app.folder = 'open';
  app.letter.account = 1;
  let closed = 0;
  render(NewInternal, { close: () => (closed += 1) });
  await fireEvent.click(await screen.findByLabelText(/^Ben/u));
  await type(words.m.internalText(), 'Forty came back');
  let deliver = () => {};
  post = new Promise((resolve) => (deliver = resolve));
  await fireEvent.click(send());
  cleanup();
  app.dialog = null;
  deliver();
  await waitFor(() => expect(app.boxes.map(({ conversation }) => conversation)).toEqual([VIC, GROUP]));
  expect([app.maximised, app.wantsCaret, app.folder, closed, app.letter.text]).toEqual([VIC, null, 'open', 0, '']);
});

test('OD-27: a letter that is put away and taken out again while it is on its way goes once', async () => {
  const letters = () => calls.filter(([name]) => name === 'start_internal').length;
  const takesOut = () => {
    cleanup();
    render(NewInternal, { close: () => (app.dialog = null) });
    return screen.findByLabelText(/^Ben/u);
  };
  const again = async () => {
    await fireEvent.click(send());
    await fireEvent.submit(send().form as HTMLFormElement);
    return [letters(), send().disabled];
  };
  let [deliver, lose] = [() => {}, () => {}];
  const posts = () => {
    post = new Promise((resolve, reject) => ([deliver, lose] = [resolve, () => reject(new Error('offline'))]));
    return fireEvent.click(send());
  };
  await fireEvent.click(await takesOut());
  await type(words.m.internalText(), 'Forty came back');
  await posts();
  await takesOut();
  expect(await again()).toEqual([1, true]);
  const fields = () => [words.m.internalTitle(), words.m.internalText()].map((label) => screen.getByLabelText<HTMLInputElement>(label).readOnly);
  expect(fields(), 'nothing is typed that would go with the letter').toEqual([true, true]);
  lose();
  await waitFor(() => expect([send().disabled, ...fields()], 'the desk does not have it').toEqual([false, false, false]));
  await posts();
  await takesOut();
  expect(await again()).toEqual([2, true]);
  deliver();
  await waitFor(() => expect([app.dialog, app.maximised, app.letter.text], 'as if it had not been put away').toEqual([null, GROUP, '']));
});

test('what fails in a dialog, and what is done there, is said in it: behind it nothing is seen or heard', async () => {
  offline = true;
  render(NewInternal, { close: () => {} });
  const inside = () => within(screen.getByRole('dialog'));
  await fireEvent.click(await screen.findByLabelText(/^Ben/u));
  await type(words.m.internalText(), 'Forty came back');
  await fireEvent.click(send());
  const notice = () => screen.getByRole('dialog').querySelector<HTMLElement>('.notice');
  await waitFor(() => expect(inside().getByRole('alert').textContent).toBe(words.m.errorInternal()));
  expect(notice()?.textContent).toContain(words.m.errorInternal());
  await fireEvent.click(within(notice() as HTMLElement).getByRole('button', { name: words.m.close() }));
  expect(notice()).toBeNull();
  cleanup();
  render(People, { head: row({ internal: false, followed: true }), close: () => {} });
  app.heads.set(GROUP, row({ followed: true }));
  await fireEvent.click(inside().getByRole('button', { name: words.m.unfollow() }));
  await waitFor(() => expect(inside().getByRole('status').textContent).toBe(words.m.announceUnfollowed()));
  app.heads.delete(GROUP);
});

test('an alarm is heard in the dialog that is open, and one from before it is not heard again', async () => {
  const heard = () => within(screen.getByRole('dialog')).getByRole('alert').textContent;
  announcer.alarm(words.m.announceOffline());
  await tick();
  render(NewInternal, { close: () => {} });
  expect(heard()).toBe('');
  const alarms = async (text: string) => {
    announcer.alarm(text);
    await tick();
    return heard();
  };
  expect(await alarms(words.m.announceHeld())).toBe(words.m.announceHeld());
  expect(await alarms(words.m.announceOffline())).toBe(words.m.announceOffline());
  expect(await alarms(words.m.announceOffline()), 'lost once more, which only a change lets be heard').toBe(`${words.m.announceOffline()}\u00a0`);
});

test('OD-17: a group lets colleagues in and oneself out, and a chat of a visitor lets others out too', async () => {
  const shown = render(People, { head: row({}), close: () => {} });
  await fireEvent.click(await screen.findByLabelText(/^Cleo/u));
  expect(screen.queryByLabelText(/^Ben/u), 'he takes part already').toBeNull();
  expect(screen.queryByRole('button', { name: words.m.participantsRemove({ name: 'Ben' }) })).toBeNull();
  await fireEvent.click(screen.getByRole('button', { name: words.m.participantsAdd() }));
  await fireEvent.click(screen.getByRole('button', { name: words.m.participantsLeave() }));
  const of = { conversation: GROUP, add: [], remove: [], leave: false };
  await waitFor(() => expect(calls).toEqual([['change_participants', { ...of, add: [3] }], ['change_participants', { ...of, leave: true }]]));
  await shown.rerender({ head: row({ internal: false, takes_part: false }) });
  await fireEvent.click(screen.getByRole('button', { name: words.m.participantsRemove({ name: 'Ben' }) }));
  await waitFor(() => expect(calls.at(-1)).toEqual(['change_participants', { ...of, remove: [2] }]));
});

test('OD-17: whoever takes a colleague out goes on at another one, and after the last at the field', async () => {
  const both = row({ internal: false, participants: [BEN, CLEO].map(({ agent, name }) => ({ agent, name })) });
  const shown = render(People, { head: both, close: () => {} });
  const out = (name: string) => screen.getByRole('button', { name: words.m.participantsRemove({ name }) });
  out('Ben').focus();
  await fireEvent.click(out('Ben'));
  await shown.rerender({ head: { ...both, participants: both.participants.slice(1) } });
  await waitFor(() => expect(document.activeElement).toBe(out('Cleo')));
  await fireEvent.click(out('Cleo'));
  await shown.rerender({ head: { ...both, participants: [] } });
  await waitFor(() => expect(document.activeElement).toBe(screen.getByLabelText(words.m.colleagueFilter())));
});

test('OD-28: among the team nothing is assigned, put off or closed, and everything that is written is a note without saying so', async () => {
  render(Head, { head: row({}), headingId: 'h' });
  expect(screen.getByText(words.m.teamOnly())).toBeTruthy();
  for (const name of [words.m.assignToMe(), words.m.assign(), words.m.done(), words.m.snooze(), words.m.details()]) {
    expect(screen.queryByRole('button', { name })).toBeNull();
  }
  expect(screen.getByRole('button', { name: words.m.participants() })).toBeTruthy();
  cleanup();
  render(Composer, { head: row({}) });
  expect(screen.queryByRole('tab')).toBeNull();
  const field = screen.getByLabelText<HTMLTextAreaElement>(words.m.messageTo({ name: 'Returns' }));
  field.value = 'All of them broken';
  await fireEvent.input(field);
  await fireEvent.click(send());
  await waitFor(() => expect(calls.find(([name]) => name === 'send_message')?.[1]).toMatchObject({ kind: 'note', text: 'All of them broken' }));
  cleanup();
  const message = { key: 'm', kind: 'note', author: { who: 'agent', id: 2, name: 'Ben' }, mine: false, text: [{ part: 'text', text: 'Broken' }], choices: [], attachments: [], files: [], delivery: 'received', created_at: 0 };
  const of = { conversation: GROUP, message: message as unknown as MessageView, name: 'Returns', askLink: () => {}, showPicture: () => {} };
  const shown = render(Message, { ...of, internal: true });
  expect(screen.queryByText(words.m.noteLabel())).toBeNull();
  expect(shown.container.querySelector('.mine'), 'Ben wrote it').toBeNull();
});

test('OD-28: in a list, a group says who wrote and a direct talk need not', () => {
  const bens = { author: { who: 'agent' as const, id: 2, name: 'Ben' }, kind: 'note' as const, text: 'Broken', file: null, mine: false };
  expect(previewText(bens, { internal: true, direct: false })).toBe(words.m.previewBy({ name: 'Ben', text: 'Broken' }));
  expect(previewText(bens, { internal: true, direct: true })).toBe('Broken');
  expect(previewText({ ...bens, mine: true }, { internal: true, direct: true })).toBe(words.m.previewMine({ text: 'Broken' }));
  expect(previewText(bens)).toBe(words.m.previewNote({ text: 'Broken' }));
  expect(previewText({ ...bens, kind: 'system', author: { who: 'desk' }, text: 'added:Cleo' })).toBe(words.m.systemAdded({ name: 'Cleo' }));
});

test('OD-05: a chat of a visitor is followed from its head, and no more from the list of those who do', async () => {
  const customer = row({ internal: false, takes_part: false, participants: [], followers: [{ agent: 3, name: 'Cleo' }] });
  app.heads.set(GROUP, customer);
  const head = render(Head, { head: customer, headingId: 'h' });
  await fireEvent.click(screen.getByRole('button', { name: words.m.follow() }));
  await waitFor(() => expect(calls).toEqual([['follow', { conversation: GROUP, following: true }]]));
  const followed = { ...customer, followed: true };
  app.heads.set(GROUP, followed);
  await head.rerender({ head: followed, headingId: 'h' });
  expect(screen.getByRole('button', { name: words.m.unfollow() })).toBeTruthy();
  cleanup();
  render(People, { head: followed, close: () => {} });
  const list = screen.getByRole('list', { name: words.m.followers() });
  expect([...list.children].map((line) => line.firstElementChild?.textContent)).toEqual([words.m.you(), 'Cleo']);
  await fireEvent.click(screen.getByRole('button', { name: words.m.unfollow() }));
  await waitFor(() => expect(calls.at(-1)).toEqual(['follow', { conversation: GROUP, following: false }]));
  cleanup();
  app.heads.delete(GROUP);
  render(Head, { head: row({}), headingId: 'h' });
  expect(screen.queryByRole('button', { name: words.m.follow() }), 'among the team nobody follows').toBeNull();
});
