import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { beforeEach, expect, test } from 'vitest';
import { words } from '../../i18n/index.svelte';
import SignOut from './SignOut.svelte';
import { useHost } from './testHost';

let alone: number;
let left: number;

const asked = useHost('sign_out', ({ force }) =>
  alone > 0 && !force ? Promise.reject({ code: 'conflict', detail: '', field: null, count: alone }) : Promise.resolve({}),
);

beforeEach(() => {
  [alone, left] = [0, 0];
});

const open = () => render(SignOut, { account: 1, desk: '', done: () => left++ });
const button = (name: string) => screen.getByRole('button', { name });

test('whoever has nothing to lose is signed out at once', async () => {
  open();
  await fireEvent.click(button(words.m.signOut()));
  await waitFor(() => expect(left).toBe(1));
  expect(asked).toEqual([{ account: 1, force: false }]);
});

test.each(['en', 'es', 'ru'] as const)('DC-02: what this computer alone has is asked about before it goes (%s)', async (language) => {
  words.use(language);
  alone = 2;
  open();
  await fireEvent.click(button(words.m.signOut()));
  await waitFor(() => expect(screen.getByRole('alert').textContent).toBe(words.m.signOutLoses({ count: 2 })));
  expect(document.activeElement).toBe(button(words.m.cancel()));
  await fireEvent.click(button(words.m.cancel()));
  await waitFor(() => expect(document.activeElement).toBe(button(words.m.signOut())));
  expect(left).toBe(0);

  await fireEvent.click(button(words.m.signOut()));
  await waitFor(() => button(words.m.signOutAnyway()));
  await fireEvent.click(button(words.m.signOutAnyway()));
  await waitFor(() => expect(left).toBe(1));
  expect(asked).toEqual([false, false, true].map((force) => ({ account: 1, force })));
});
