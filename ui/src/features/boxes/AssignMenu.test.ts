import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { words } from '../../i18n/index.svelte';
import { usePlatform, type Assignees, type ConversationRow, type RefusedDeed } from '../../platform';
import { refusedDeedText } from '../thread/outgoing';
import AssignMenu from './AssignMenu.svelte';
import MoreMenu from './MoreMenu.svelte';
import PriorityMenu from './PriorityMenu.svelte';

const VIC = 'c1.1';
const BEN = 2;
const TEA = 7;
const people: Assignees = {
  agents: [
    { agent: BEN, name: 'Ben Núñez', online: true },
    { agent: 3, name: 'Cleo', online: false },
  ],
  teams: [{ team: TEA, name: 'Tea' }],
};
const free = { id: VIC, assignee: null, assignee_name: '', mine: false, team: null, team_name: '', priority: 'none' } as unknown as ConversationRow;
let calls: [string, unknown][];

beforeEach(() => {
  calls = [];
  usePlatform({
    call: ((name: string, request: unknown) => {
      if (name === 'assignees') return Promise.resolve(people);
      calls.push([name, request]);
      return Promise.resolve({});
    }) as never,
    subscribe: () => () => {},
    pictureUrl: () => '',
  });
});

afterEach(cleanup);

const button = () => screen.getByRole('button', { name: words.m.assign() });
const field = () => screen.getByRole('combobox', { name: words.m.assignFilter() });
const offered = () => screen.queryAllByRole('option').map((option) => option.textContent?.replace(/\s+/gu, ' ').trim());

async function open(head: ConversationRow) {
  const shown = render(AssignMenu, { head });
  await fireEvent.click(button());
  await waitFor(() => expect(document.activeElement).toBe(field()));
  return shown;
}

test('TV-04: a chat is given to a colleague by typing the beginning of the name, with the keyboard alone', async () => {
  await open(free);
  expect(offered()).toEqual([
    words.m.assignToMe(),
    `Ben Núñez${words.m.assignOnline()}`,
    `Cleo${words.m.assignOffline()}`,
    `Tea${words.m.assignTeam()}`,
  ]);
  await fireEvent.input(field(), { target: { value: 'nun' } });
  await waitFor(() => expect(offered()).toEqual([`Ben Núñez${words.m.assignOnline()}`]));
  expect(field().getAttribute('aria-activedescendant')).toBe(screen.getByRole('option').id);
  await fireEvent.keyDown(field(), { key: 'Enter' });
  await waitFor(() => expect(calls).toEqual([['assign', { conversation: VIC, to: { to: 'agent', agent: BEN }, from: { agent: null, team: null } }]]));
  expect(document.activeElement).toBe(button());
});

test('TV-04: what is compared is who had the chat when the list was opened, not who has it by now', async () => {
  const shown = await open({ ...free, team: TEA, team_name: 'Tea' });
  await shown.rerender({ head: { ...free, assignee: BEN, assignee_name: 'Ben Núñez' } });
  await fireEvent.click(screen.getByRole('option', { name: words.m.assignToMe() }));
  await waitFor(() => expect(calls).toEqual([['assign', { conversation: VIC, to: { to: 'me' }, from: { agent: null, team: TEA } }]]));
});

test('TV-04: whoever has the chat is not offered, and it can be taken from them', async () => {
  await open({ ...free, assignee: BEN, assignee_name: 'Ben Núñez' });
  expect(offered()).not.toContain(`Ben Núñez${words.m.assignOnline()}`);
  await fireEvent.keyDown(field(), { key: 'ArrowUp' });
  await fireEvent.keyDown(field(), { key: 'Enter' });
  await waitFor(() => expect(calls).toEqual([['assign', { conversation: VIC, to: { to: 'nobody' }, from: { agent: BEN, team: null } }]]));
});

test('TV-04: Escape closes the list, and nothing is chosen', async () => {
  await open(free);
  await fireEvent.input(field(), { target: { value: 'zzz' } });
  await waitFor(() => expect(offered()).toEqual([words.m.assignNone()]));
  await fireEvent.keyDown(field(), { key: 'Enter' });
  await fireEvent.keyDown(field(), { key: 'Escape' });
  expect(screen.queryByRole('combobox')).toBeNull();
  expect(document.activeElement).toBe(button());
  expect(calls).toEqual([]);
});

test('TV-03: whoever was too slow is told who has the chat now', () => {
  const refused: RefusedDeed = { client_id: '0', deed: 'assign', refusal: 'conflict', message: null, text: null };
  expect(refusedDeedText(refused, { ...free, assignee: BEN, assignee_name: 'Ben' })).toContain(words.m.assignedTo({ name: 'Ben' }));
  expect(refusedDeedText(refused, { ...free, team: TEA, team_name: 'Tea' })).toContain(words.m.systemTeam({ name: 'Tea' }));
  expect(refusedDeedText({ ...refused, refusal: 'not_found' }, free)).toContain(words.m.refusedDeedNotFound());
});

test('the priority of a chat is said and changed in its head', async () => {
  render(PriorityMenu, { head: { ...free, priority: 'high' } });
  await fireEvent.click(screen.getByRole('button', { name: words.m.priorityIs({ name: words.m.priorityHigh() }) }));
  const names = screen.getAllByRole('menuitem').map((item) => item.textContent);
  expect(names).toEqual([words.m.priorityUrgent(), words.m.priorityMedium(), words.m.priorityLow(), words.m.priorityNone()]);
  await fireEvent.click(screen.getByRole('menuitem', { name: words.m.priorityUrgent() }));
  expect(calls).toEqual([['set_priority', { conversation: VIC, priority: 'urgent' }]]);
});

test('where there is little room one menu puts the chat off and says how pressing it is; a closed chat cannot be put off', async () => {
  const shown = render(MoreMenu, { head: { ...free, state: 'open' } });
  const lines = async () => {
    await fireEvent.click(screen.getByRole('button', { name: words.m.moreActions() }));
    return screen.getAllByRole('menuitem').map((item) => item.querySelector('span')?.textContent);
  };
  expect(await lines()).toEqual([
    words.m.follow(),
    words.m.participants(),
    words.m.snoozeHour(),
    words.m.snoozeTomorrow(),
    words.m.snoozeMonday(),
    words.m.snoozeReply(),
    words.m.priorityUrgent(),
    words.m.priorityHigh(),
    words.m.priorityMedium(),
    words.m.priorityLow(),
  ]);
  await fireEvent.click(screen.getByRole('menuitem', { name: words.m.priorityLow() }));
  expect(calls).toEqual([['set_priority', { conversation: VIC, priority: 'low' }]]);
  await shown.rerender({ head: { ...free, state: 'closed' } });
  expect(await lines()).not.toContain(words.m.snoozeReply());
});

test('a second press on the button closes the list', async () => {
  await open(free);
  if (await fireEvent.mouseDown(button())) button().focus();
  await fireEvent.click(button());
  await Promise.resolve();
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
});

test.each([{ isComposing: true }, { keyCode: 229 }])('the Enter of an input method gives the chat to nobody', async (key) => {
  await open(free);
  await fireEvent.keyDown(field(), { key: 'Enter', ...key });
  expect(calls).toEqual([]);
});
