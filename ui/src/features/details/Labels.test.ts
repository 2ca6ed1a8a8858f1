import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { words } from '../../i18n/index.svelte';
import { usePlatform, type ConversationRow } from '../../platform';
import { app } from '../../store/app.svelte';
import Labels from './Labels.svelte';

const VIC = 'c1.1';
let changes: unknown[];

beforeEach(() => {
  changes = [];
  usePlatform({
    call: ((name: string, request: { query: string }) => {
      if (name === 'labels') return Promise.resolve(['refund', 'tea pots', 'VIP'].filter((label) => label.toLowerCase().startsWith(request.query)));
      if (name === 'change_labels') changes.push(request);
      return Promise.resolve({});
    }) as never,
    subscribe: () => () => {},
    pictureUrl: () => '',
  });
  app.heads.set(VIC, { id: VIC, labels: ['VIP'] } as unknown as ConversationRow);
  render(Labels, { conversation: VIC });
});

afterEach(cleanup);

const field = () => screen.getByRole('combobox', { name: words.m.labelAdd() });
const offered = () => screen.queryAllByRole('option').map((option) => option.textContent?.trim());

test('a label in use is offered while one types, and taken with the keyboard', async () => {
  await fireEvent.input(field(), { target: { value: 'r' } });
  await waitFor(() => expect(offered()).toEqual(['refund']));
  await fireEvent.keyDown(field(), { key: 'ArrowDown' });
  expect(field().getAttribute('aria-activedescendant')).toBe(screen.getByRole('option').id);
  await fireEvent.keyDown(field(), { key: 'Enter' });
  expect(changes).toEqual([{ conversation: VIC, add: ['refund'], remove: [] }]);
  await waitFor(() => expect((field() as HTMLInputElement).value).toBe(''));
});

test('what the chat has is not offered again, and a new label is what was typed', async () => {
  await fireEvent.input(field(), { target: { value: '' } });
  await waitFor(() => expect(offered()).toEqual(['refund', 'tea pots']));
  await fireEvent.input(field(), { target: { value: 'urgent' } });
  await waitFor(() => expect(offered()).toEqual([]));
  await fireEvent.keyDown(field(), { key: 'Enter' });
  expect(changes).toEqual([{ conversation: VIC, add: ['urgent'], remove: [] }]);
});

test('a label is taken off by its button, or with Backspace in the empty field', async () => {
  await fireEvent.click(screen.getByRole('button', { name: words.m.labelRemove({ label: 'VIP' }) }));
  await waitFor(() => expect(document.activeElement).toBe(field()));
  await fireEvent.keyDown(field(), { key: 'Backspace' });
  const off = { conversation: VIC, add: [], remove: ['VIP'] };
  expect(changes).toEqual([off, off]);
});

test('whoever holds Backspace empties the field, and takes no label off', async () => {
  await fireEvent.keyDown(field(), { key: 'Backspace', repeat: true });
  expect(changes).toEqual([]);
});

test.each([{ isComposing: true }, { keyCode: 229 }])('the Enter of an input method makes no label of half a word', async (key) => {
  await fireEvent.input(field(), { target: { value: 'ur' } });
  await fireEvent.keyDown(field(), { key: 'Enter', ...key });
  expect(changes).toEqual([]);
});
