import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { words } from '../../i18n/index.svelte';
import { CommandError, usePlatform, type AccountView, type ApiErrorCode, type Commands, type KeyPlace, type Language, type Settings, type StartView } from '../../platform';
import { app } from '../../store/app.svelte';
import SettingsDialog from '../settings/SettingsDialog.svelte';
import FirstRun from './FirstRun.svelte';

const LANGUAGES: Language[] = ['en', 'es', 'ru'];
const ANN: AccountView = { id: 1, agent: 1, name: 'Ann', email: 'ann@desk.test', desk: 'Desk', address: 'https://desk.test', local: false };
const SETTINGS = { language: 'en', theme: 'system', keep_days: 30, keep_megabytes: 500 } as Settings;

let done: (keyof Commands)[];
/** What opening the account ends with; null: it opens. */
let refusal: ApiErrorCode | null;

beforeEach(() => {
  done = [];
  refusal = null;
  usePlatform({
    call: (name) => {
      if (name === 'desk_offer') return Promise.resolve({ provider: null } as never);
      done.push(name);
      if (name === 'start') return Promise.resolve(started(null) as never);
      if (refusal === null) return Promise.resolve({} as never);
      return Promise.reject(new CommandError({ code: refusal, detail: '', field: null }));
    },
    subscribe: () => () => {},
    pictureUrl: () => '',
  });
});

afterEach(() => {
  cleanup();
  words.use('en');
  app.started = null;
});

function started(fault: ApiErrorCode | null, keyPlace: KeyPlace | null = null): StartView {
  return {
    version: '1',
    accounts: [{ account: ANN, open: fault === null, fault: fault === null ? null : { code: fault, detail: '', field: null }, key_place: keyPlace, kept: null, sync: app.sync }],
    settings: SETTINGS,
    boxes: [],
    sync: app.sync,
  };
}

test.each(LANGUAGES)('a locked keychain is to be unlocked, and nobody is asked to sign in (%s)', async (language) => {
  words.use(language);
  app.started = started('keychain_locked');
  render(FirstRun, { of: app.started.accounts[0] });
  expect(screen.getByRole('heading', { name: words.m.lockedTitle() })).toBeTruthy();
  expect(screen.queryByLabelText(words.m.connectPassword())).toBeNull();
  refusal = 'keychain_locked';
  await fireEvent.click(screen.getByRole('button', { name: words.m.tryAgain() }));
  await waitFor(() => expect(screen.getByRole('alert').textContent).toBe(words.m.errorKeychainLocked()));
  expect(done).toEqual(['open_account']);
  refusal = null;
  await fireEvent.click(screen.getByRole('button', { name: words.m.tryAgain() }));
  await waitFor(() => expect(done).toEqual(['open_account', 'open_account', 'start']));
});

test.each(LANGUAGES)('a lost key asks for one sign-in and tells of what was not sent (%s)', (language) => {
  words.use(language);
  app.started = started('undecryptable');
  render(FirstRun, { of: app.started.accounts[0] });
  expect(screen.getByRole('heading', { name: words.m.undecryptableTitle() })).toBeTruthy();
  expect(screen.getByText(words.m.undecryptableUnsent())).toBeTruthy();
  expect(screen.getByLabelText<HTMLInputElement>(words.m.connectEmail()).value).toBe(ANN.email);
  expect(screen.getByLabelText<HTMLInputElement>(words.m.connectAddress()).value).toBe(ANN.address);
});

test.each(LANGUAGES)('a computer that was signed out from elsewhere says what was deleted and what is kept (%s)', async (language) => {
  words.use(language);
  const [account] = started('revoked').accounts;
  if (!account) throw new Error('no account');
  const { rerender } = render(FirstRun, { of: { ...account, kept: 2 } });
  expect(screen.getByRole('heading', { name: words.m.revokedTitle() })).toBeTruthy();
  expect(screen.getByText(words.m.revokedKept({ count: 2 }))).toBeTruthy();
  expect(screen.getByText(words.m.revokedRemoveText())).toBeTruthy();
  expect(screen.getByLabelText<HTMLInputElement>(words.m.connectEmail()).value).toBe(ANN.email);
  await rerender({ of: { ...account, kept: 0 } });
  expect(screen.queryByText(words.m.revokedRemoveText())).toBeNull();
  await fireEvent.click(screen.getByRole('button', { name: words.m.revokedRemove() }));
  await waitFor(() => expect(done).toEqual(['sign_out', 'start']));
});

test.each(LANGUAGES)('whoever has a second factor is asked for a code, and only then (%s)', async (language) => {
  words.use(language);
  const asked: Commands['connect_desk'][0][] = [];
  const answers: (ApiErrorCode | null)[] = ['code_required', 'code_wrong', 'code_required', null];
  usePlatform({
    call: (name, request) => {
      if (name === 'start') return Promise.resolve(started(null) as never);
      if (name === 'desk_offer') return Promise.resolve({ provider: null } as never);
      asked.push(request as Commands['connect_desk'][0]);
      const code = answers.shift() ?? null;
      return code === null ? Promise.resolve({} as never) : Promise.reject(new CommandError({ code, detail: '', field: null }));
    },
    subscribe: () => () => {},
    pictureUrl: () => '',
  });
  render(FirstRun, {});
  const type = (label: string, value: string) => fireEvent.input(screen.getByLabelText(label), { target: { value } });
  const connect = () => fireEvent.click(screen.getByRole('button', { name: words.m.connect() }));
  await type(words.m.connectAddress(), 'desk.test');
  await type(words.m.connectEmail(), 'ann@desk.test');
  await type(words.m.connectPassword(), 'teapots');
  expect(screen.queryByLabelText(words.m.connectCode())).toBeNull();
  await connect();
  const field = await screen.findByLabelText<HTMLInputElement>(words.m.connectCode());
  await waitFor(() => expect(document.activeElement).toBe(field));
  expect(field.autocomplete).toBe('one-time-code');
  expect(field.getAttribute('aria-describedby')?.split(' ').map((id) => document.getElementById(id)?.textContent)).toEqual([words.m.connectCodeHint(), words.m.errorCodeRequired()]);
  expect(screen.getByLabelText<HTMLInputElement>(words.m.connectPassword()).value).toBe('teapots');
  await type(words.m.connectCode(), '123 456');
  await connect();
  await waitFor(() => expect(screen.getByRole('alert').textContent).toBe(words.m.errorCodeWrong()));
  expect(field.value).toBe('');
  // Somebody else has no second factor as far as is known, and is not sent the first one's code.
  await type(words.m.connectCode(), '234567');
  await type(words.m.connectEmail(), 'ben@desk.test');
  expect(screen.queryByLabelText(words.m.connectCode())).toBeNull();
  await connect();
  await type(words.m.connectCode(), 'abcd-efgh');
  await connect();
  await waitFor(() => expect(asked.map(({ email, code }) => [email, code])).toEqual([
    ['ann@desk.test', null],
    ['ann@desk.test', '123 456'],
    ['ben@desk.test', null],
    ['ben@desk.test', 'abcd-efgh'],
  ]));
});

/** A desk with an identity provider. Waiting for the browser ends as the test says. */
function atProvider() {
  const asked: [keyof Commands, unknown][] = [];
  let end: ((code: ApiErrorCode | null) => void) | null = null;
  usePlatform({
    call: (name, request) => {
      asked.push([name, request]);
      if (name === 'start') return Promise.resolve(started(null) as never);
      if (name === 'desk_offer') return Promise.resolve({ provider: 'Tea House' } as never);
      if (name === 'begin_at_provider') return Promise.resolve({ code: 'k3fq-7xsp' } as never);
      if (name === 'cancel_at_provider') end?.('sign_in_ended');
      if (name !== 'finish_at_provider') return Promise.resolve({} as never);
      return new Promise<never>((resolve, reject) => {
        end = (code) => (code === null ? resolve({} as never) : reject(new CommandError({ code, detail: '', field: null })));
      });
    },
    subscribe: () => () => {},
    pictureUrl: () => '',
  });
  const names = () => asked.map(([name]) => name);
  return { asked, names, end: (code: ApiErrorCode | null) => end?.(code) };
}

test.each(LANGUAGES)('where the desk has an identity provider, its button opens the browser and the code to compare is shown (%s)', async (language) => {
  words.use(language);
  const desk = atProvider();
  render(FirstRun, {});
  const address = screen.getByLabelText(words.m.connectAddress());
  await fireEvent.input(address, { target: { value: 'desk.test' } });
  expect(desk.names(), 'a desk is not asked at every letter').toEqual([]);
  await fireEvent.change(address);
  await fireEvent.click(await screen.findByRole('button', { name: words.m.signInWith({ provider: 'Tea House' }) }));
  await waitFor(() => expect(screen.getByRole('status').textContent).toContain('k3fq-7xsp'));
  expect(document.activeElement).toBe(screen.getByRole('button', { name: words.m.cancel() }));
  expect(desk.asked[1]).toEqual(['begin_at_provider', { account: null, address: 'desk.test' }]);
  desk.end(null);
  await waitFor(() => expect(desk.names()).toEqual(['desk_offer', 'begin_at_provider', 'finish_at_provider', 'start']));
});

test.each(LANGUAGES)('whoever gives up in the browser is back at the button without a reproach, and whoever is refused is told why (%s)', async (language) => {
  words.use(language);
  const desk = atProvider();
  const [account] = started('revoked').accounts;
  if (!account) throw new Error('no account');
  render(FirstRun, { of: account });
  const button = () => screen.findByRole('button', { name: words.m.signInWith({ provider: 'Tea House' }) });
  await fireEvent.click(await button());
  await fireEvent.keyDown(await screen.findByRole('button', { name: words.m.cancel() }), { key: 'Escape' });
  await waitFor(async () => expect(document.activeElement).toBe(await button()));
  expect(screen.getByRole('alert').textContent).toBe('');
  expect(desk.names()).toEqual(['desk_offer', 'begin_at_provider', 'finish_at_provider', 'cancel_at_provider']);
  expect(desk.asked[1]).toEqual(['begin_at_provider', { account: 1, address: ANN.address }]);
  for (const [code, text] of [['no_agent', words.m.errorNoAgent()], ['provider_failed', words.m.errorProviderFailed()], ['sign_in_ended', words.m.errorSignInEnded()]] as const) {
    await fireEvent.click(await button());
    await screen.findByRole('button', { name: words.m.cancel() });
    desk.end(code);
    await waitFor(() => expect(screen.getByRole('alert').textContent).toBe(text));
  }
  await fireEvent.input(screen.getByLabelText(words.m.connectAddress()), { target: { value: 'elsewhere.test' } });
  expect(screen.queryByRole('button', { name: words.m.signInWith({ provider: 'Tea House' }) }), 'the other desk has offered nothing').toBeNull();
});

test.each(LANGUAGES)('the settings say where the key is (%s)', (language) => {
  words.use(language);
  for (const [place, text] of [['keychain', words.m.keyInKeychain()], ['file', words.m.keyInFile()]] as const) {
    app.started = started(null, place);
    render(SettingsDialog, { settings: SETTINGS, close: () => {} });
    expect(screen.getByText(text)).toBeTruthy();
    cleanup();
  }
});

test.each(LANGUAGES)('DC-02: whoever signs out instead of signing in again is asked about what the desk never got (%s)', async (language) => {
  words.use(language);
  const forced: unknown[] = [];
  usePlatform({
    call: ((name: string, request: { force?: boolean }) => {
      if (name === 'desk_offer') return Promise.resolve({ provider: null });
      if (name === 'start') return Promise.resolve({ ...started(null), accounts: [] });
      if (name === 'sign_out') forced.push(request.force);
      return request.force === false ? Promise.reject({ code: 'conflict', detail: '', field: null, count: 2 }) : Promise.resolve({});
    }) as never,
    subscribe: () => () => {},
    pictureUrl: () => '',
  });
  const [account] = started(null).accounts;
  if (!account) throw new Error('no account');
  let ended = 0;
  render(FirstRun, { of: account, added: () => (ended += 1) });
  await fireEvent.click(screen.getByRole('button', { name: words.m.signOut() }));
  expect(await screen.findByText(words.m.signOutLoses({ count: 2 }))).toBeTruthy();
  await fireEvent.click(screen.getByRole('button', { name: words.m.signOutAnyway() }));
  await waitFor(() => expect(ended).toBe(1));
  expect(forced).toEqual([false, true]);
});
