import { cleanup, fireEvent, render, screen, within } from '@testing-library/svelte';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { tick } from 'svelte';
import { usePlatform, type Commands, type ConversationRef, type SearchHit } from '../../platform';
import { app } from '../../store/app.svelte';
import Search from './Search.svelte';

let here: SearchHit[];
let there: SearchHit[] | Error;
/** Holds up the search on this computer. */
let wait: Promise<void>;
let asked: { name: keyof Commands; request: unknown }[];

beforeEach(() => {
  here = [];
  there = [];
  wait = Promise.resolve();
  asked = [];
  usePlatform({
    call: (name, request) => {
      asked.push({ name, request });
      if (name === 'search') return wait.then(() => here as never);
      if (name === 'search_desk') return there instanceof Error ? Promise.reject(there) : Promise.resolve({ hits: there, silent: [] } as never);
      return Promise.resolve({} as never);
    },
    subscribe: () => () => {},
    pictureUrl: () => '',
  });
  app.forget(1);
  app.sync = { ...app.sync, state: 'offline' };
  render(Search);
});

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

function hit(conversation: ConversationRef, kind: SearchHit['kind'], snippet: string[], number: number | null = 1): SearchHit {
  return { kind, account: 1, conversation, number, name: 'Vic', visitor_number: 1, snippet, at: 0 };
}

const field = () => screen.getByRole<HTMLInputElement>('combobox');

async function type(text: string) {
  field().focus();
  await fireEvent.input(field(), { target: { value: text } });
  await tick();
  await tick();
}

test('OD-16: a hit says what it is, and its text is never markup', async () => {
  here = [hit('c1.1', 'person', ['', 'Vic'], null), hit('c1.2', 'note', ['<b>no</b> ', 'tea', ' <img src=x>'])];
  await type('tea');
  const options = screen.getAllByRole('option');
  expect(options.map((option) => option.querySelector('.kind')?.textContent)).toEqual(['Person', 'Note']);
  expect(options[1]?.querySelector('.snippet')?.textContent).toBe('<b>no</b> tea <img src=x>');
  expect(options[1]?.querySelectorAll('mark')).toHaveLength(1);
  expect(options[1]?.querySelector('img, b')).toBeNull();
});

test('OD-16: arrow keys pick a hit, and Enter goes to its message', async () => {
  const goTo = vi.spyOn(app, 'goTo').mockResolvedValue();
  here = [hit('c1.1', 'message', ['a']), hit('c1.2', 'message', ['b'], 7)];
  await type('tea');
  await fireEvent.keyDown(field(), { key: 'ArrowDown' });
  expect(field().getAttribute('aria-activedescendant')).toBe(screen.getAllByRole('option')[1]?.id);
  await fireEvent.keyDown(field(), { key: 'Enter' });
  expect(goTo).toHaveBeenCalledWith('c1.2', 7);
  expect(field().getAttribute('aria-expanded')).toBe('false');
});

test('OD-16: the filters are told under the field, and are within reach of the keyboard', async () => {
  await fireEvent.focus(field());
  const help = document.getElementById(field().getAttribute('aria-describedby') ?? '');
  expect(help?.textContent).toContain('Narrow');
  const buttons = within(help!.parentElement!).getAllByRole('button');
  expect(buttons.map((button) => button.textContent)).toEqual(['from:', 'to:', 'in:', 'page:', 'tag:', 'has:', 'before:', 'after:']);
  expect(buttons.every((button) => button.tabIndex === 0 && button.title !== '')).toBe(true);
  await type('tea');
  await fireEvent.click(buttons[0]!);
  expect(field().value).toBe('tea from:');
  expect(document.activeElement).toBe(field());
  expect(asked.at(-1)).toEqual({ name: 'search', request: { account: null, text: 'tea from:', limit: 50 } });
});

test('OD-16: the desk is asked after this computer, once the typing pauses, and its hits stand apart', async () => {
  vi.useFakeTimers();
  const goTo = vi.spyOn(app, 'goTo').mockResolvedValue();
  app.sync = { ...app.sync, state: 'live' };
  here = [hit('c1.1', 'message', ['here'])];
  there = [hit('c1.2', 'note', ['there'], 5)];
  await type('te');
  await type('tea');
  expect(asked.map(({ name }) => name)).toEqual(['search', 'search']);
  expect(screen.getAllByRole('option')).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(300);
  expect(asked.filter(({ name }) => name === 'search_desk')).toEqual([{ name: 'search_desk', request: { account: null, text: 'tea', limit: 50 } }]);
  await tick();
  const group = screen.getByRole('group', { name: 'Only at the desk, not on this computer' });
  expect(within(group).getAllByRole('option').map((option) => option.querySelector('.snippet')?.textContent)).toEqual(['there']);
  await fireEvent.keyDown(field(), { key: 'ArrowDown' });
  await fireEvent.keyDown(field(), { key: 'Enter' });
  expect(goTo).toHaveBeenCalledWith('c1.2', 5);
  vi.useRealTimers();
});

test('OD-16: without the desk it is said that only this computer was searched', async () => {
  vi.useFakeTimers();
  await type('tea');
  await vi.advanceTimersByTimeAsync(300);
  expect(asked.some(({ name }) => name === 'search_desk')).toBe(false);
  expect(screen.getByRole('status').textContent).toContain('only this computer');
  app.sync = { ...app.sync, state: 'live' };
  there = new Error('offline');
  await type('teapot');
  await vi.advanceTimersByTimeAsync(300);
  await tick();
  expect(screen.getByRole('status').textContent).toContain('only this computer');
  vi.useRealTimers();
});

test('OD-16: Enter opens what fits the text, not what fitted the text before', async () => {
  const goTo = vi.spyOn(app, 'goTo').mockResolvedValue();
  here = [hit('c1.1', 'message', ['tea'])];
  await type('te');
  await screen.findByRole('option');
  let answer = () => {};
  wait = new Promise((resolve) => (answer = resolve));
  here = [hit('c1.2', 'message', ['teapot'])];
  await type('teapot');
  await fireEvent.keyDown(field(), { key: 'Enter' });
  expect(goTo).not.toHaveBeenCalled();
  answer();
  await vi.waitFor(() => expect(goTo.mock.calls).toEqual([['c1.2', 1]]));
});

test('the key that leads to the search is the one of this system', () => {
  cleanup();
  vi.spyOn(navigator, 'platform', 'get').mockReturnValue('MacIntel');
  render(Search);
  expect(screen.getByText('⌘K')).toBeTruthy();
});

test.each([{ isComposing: true }, { keyCode: 229 }])('OD-16: the Enter of an input method goes to no hit for half a word', async (key) => {
  here = [hit('c1.1', 'message', ['', 'te'])];
  const goes = vi.spyOn(app, 'goTo').mockResolvedValue();
  await type('te');
  await fireEvent.keyDown(field(), { key: 'Enter', ...key });
  await tick();
  expect(goes).not.toHaveBeenCalled();
});
