import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { usePlatform, type CannedTextView, type ConversationRow } from '../../platform';
import { app } from '../../store/app.svelte';
import Composer from './Composer.svelte';

const VIC = 'c1.1';
const HELLO: CannedTextView = { id: 1, shortcut: 'hello', title: 'Hello', text: 'Hello, how can I help you?', owner: { kind: 'desk' }, team: '', missing: [] };

/** Searches for prepared texts that were not answered yet. */
let searches: { query: string; answer: (found: CannedTextView[]) => void }[];
let done: { name: string; request: unknown }[];

beforeEach(() => {
  searches = [];
  done = [];
  usePlatform({
    call: ((name: string, request: { query: string }) => {
      done.push({ name, request });
      if (name === 'canned_texts') return new Promise((answer) => searches.push({ query: request.query, answer: answer as never }));
      return Promise.resolve(name === 'draft_files' ? [] : { conversation: VIC, reply: '', note: '' });
    }) as never,
    subscribe: () => () => {},
    pictureUrl: () => '',
  });
  app.forget(1);
  render(Composer, { head: { id: VIC, name: 'Vic', visitor_number: 1 } as Partial<ConversationRow> as ConversationRow });
});

afterEach(cleanup);

const field = () => screen.getByRole<HTMLTextAreaElement>('combobox');
const sent = () => done.filter(({ name }) => name === 'send_message').length;

async function types(text: string) {
  field().value = text;
  field().setSelectionRange(text.length, text.length);
  await fireEvent.input(field());
}

test('TV-05: whoever types faster than texts are found gets the text, and sends no number sign', async () => {
  await types('#hello');
  expect(screen.queryByRole('listbox'), 'nobody knows yet whether there is one').toBeNull();
  await fireEvent.keyDown(field(), { key: 'Enter' });
  searches[0]?.answer([HELLO]);
  await expect.poll(() => field().value).toBe(HELLO.text);
  expect(sent()).toBe(0);
});

test('TV-05: Enter takes what fits the letters that stand there, not those before', async () => {
  await types('#');
  searches[0]?.answer([{ ...HELLO, id: 2, shortcut: 'bye', text: 'Goodbye.' }]);
  await screen.findByRole('option');
  await types('#hel');
  await fireEvent.keyDown(field(), { key: 'Enter' });
  searches[1]?.answer([HELLO]);
  await expect.poll(() => field().value).toBe(HELLO.text);
});

test('a number sign that begins no prepared text is sent as it is written', async () => {
  await types('We are #1');
  await fireEvent.keyDown(field(), { key: 'Enter' });
  expect(sent()).toBe(0);
  searches[0]?.answer([]);
  await expect.poll(sent).toBe(1);
  expect(field().value).toBe('');
});
