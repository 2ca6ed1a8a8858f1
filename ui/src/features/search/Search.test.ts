import { cleanup, fireEvent, render, screen, within } from '@testing-library/svelte';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { tick } from 'svelte';
import { usePlatform, type Commands, type SearchHit } from '../../platform';
import { app } from '../../store/app.svelte';
import Search from './Search.svelte';

let here: SearchHit[];
let asked: { name: keyof Commands; request: unknown }[];

beforeEach(() => {
  here = [];
  asked = [];
  usePlatform({
    call: (name, request) => {
      asked.push({ name, request });
      if (name === 'search') return Promise.resolve(here as never);
      return Promise.resolve({} as never);
    },
    subscribe: () => () => {},
    pictureUrl: () => '',
  });
  app.forget();
  render(Search);
});

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

function hit(conversation: number, kind: SearchHit['kind'], snippet: string[], number: number | null = 1): SearchHit {
  return { kind, conversation, number, name: 'Vic', visitor_number: 1, snippet, at: 0 };
}

const field = () => screen.getByRole<HTMLInputElement>('combobox');

async function type(text: string) {
  field().focus();
  await fireEvent.input(field(), { target: { value: text } });
  await tick();
  await tick();
}

test('OD-16: a hit says what it is, and its text is never markup', async () => {
  here = [hit(1, 'person', ['', 'Vic'], null), hit(2, 'note', ['<b>no</b> ', 'tea', ' <img src=x>'])];
  await type('tea');
  const options = screen.getAllByRole('option');
  expect(options.map((option) => option.querySelector('.kind')?.textContent)).toEqual(['Person', 'Note']);
  expect(options[1]?.querySelector('.snippet')?.textContent).toBe('<b>no</b> tea <img src=x>');
  expect(options[1]?.querySelectorAll('mark')).toHaveLength(1);
  expect(options[1]?.querySelector('img, b')).toBeNull();
});

test('OD-16: arrow keys pick a hit, and Enter goes to its message', async () => {
  const goTo = vi.spyOn(app, 'goTo').mockResolvedValue();
  here = [hit(1, 'message', ['a']), hit(2, 'message', ['b'], 7)];
  await type('tea');
  await fireEvent.keyDown(field(), { key: 'ArrowDown' });
  expect(field().getAttribute('aria-activedescendant')).toBe(screen.getAllByRole('option')[1]?.id);
  await fireEvent.keyDown(field(), { key: 'Enter' });
  expect(goTo).toHaveBeenCalledWith(2, 7);
  expect(field().getAttribute('aria-expanded')).toBe('false');
});

test('OD-16: the filters are told under the field, and are within reach of the keyboard', async () => {
  await fireEvent.focus(field());
  const help = document.getElementById(field().getAttribute('aria-describedby') ?? '');
  expect(help?.textContent).toContain('Narrow');
  const buttons = within(help!.parentElement!).getAllByRole('button');
  expect(buttons.map((button) => button.textContent)).toEqual(['from:', 'to:', 'in:', 'page:', 'has:', 'before:', 'after:']);
  expect(buttons.every((button) => button.tabIndex === 0 && button.title !== '')).toBe(true);
  await type('tea');
  await fireEvent.click(buttons[0]!);
  expect(field().value).toBe('tea from:');
  expect(document.activeElement).toBe(field());
  expect(asked.at(-1)).toEqual({ name: 'search', request: { text: 'tea from:', limit: 50 } });
});
