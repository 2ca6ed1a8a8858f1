import { beforeEach, expect, test } from 'vitest';
import { Vault } from '../src/panel/vault';
import { OUTBOX_MAX, type OutboxItem } from '../src/panel/sync';

const item = (number: number): OutboxItem => ({
  client_id: number.toString(16).padStart(32, '0'),
  text: `№ ${number}`,
  attachments: [],
  client_time: number,
  failed: null,
});

beforeEach(() => {
  localStorage.clear();
  sessionStorage.clear();
});

test('OD-39: what waits survives a reload, in the order of writing', () => {
  const before = new Vault('pk', true);
  for (const number of [3, 1, 2]) before.put(item(number));
  before.drop(item(2).client_id);
  expect(new Vault('pk', true).items).toEqual([item(1), item(3)]);
  expect(new Vault('another site', true).items).toEqual([]);
});

test('OD-39: two tabs that write at once do not overwrite each other', () => {
  const [one, two] = [new Vault('pk', true), new Vault('pk', true)];
  one.put(item(1));
  two.put(item(2));
  expect(new Vault('pk', true).items).toHaveLength(2);
});

test('OD-37: a visitor who is not to be remembered leaves nothing behind the tab', () => {
  const vault = new Vault('pk', false);
  vault.token = 'secret';
  const kept = { item: item(2), epoch: 'e', done_at: 7 };
  vault.put(item(1));
  vault.putSent(kept);
  expect(localStorage.length).toBe(0);
  expect(new Vault('pk', false).token).toBe('secret');
  vault.move(true);
  expect(sessionStorage.length).toBe(0);
  expect(new Vault('pk', true).token).toBe('secret');
  expect(new Vault('pk', true).items).toEqual([item(1)]);
  expect(new Vault('pk', true).sent).toEqual([kept]);
});

test('OD-37: what was kept follows a decision that was made before the messenger ran, or while it had nothing', () => {
  const kept = { item: item(2), epoch: 'e', done_at: 7 };
  const before = new Vault('pk', true);
  before.token = 'secret';
  before.put(item(1));
  before.putSent(kept);
  new Vault('pk', true, 'wen').token = 'of Wen';
  const all = (vault: Vault) => [vault.token, vault.items, vault.sent];
  const tab = new Vault('pk', false);
  expect(all(tab)).toEqual(['secret', [item(1)], [kept]]);
  expect(Object.keys(localStorage), 'nothing outlives the tab, and nobody else is asked').toEqual(['deskbell.pk.as.wen.token']);
  tab.move(true);
  expect(sessionStorage.length).toBe(0);
  expect(all(new Vault('pk', true))).toEqual(['secret', [item(1)], [kept]]);
});

test('OD-37: a tab that has a secret of its own keeps it, whatever was kept before', () => {
  const tab = new Vault('pk', false);
  tab.token = 'its own';
  localStorage.setItem('deskbell.pk.token', 'kept before');
  expect(new Vault('pk', false).token).toBe('its own');
  expect(localStorage.length).toBe(0);
  localStorage.setItem('deskbell.pk.token', 'kept since');
  tab.move(true);
  expect([tab.token, sessionStorage.length]).toEqual(['kept since', 0]);
  const empty = new Vault('another', false);
  localStorage.setItem('deskbell.another.token', 'kept');
  empty.move(true);
  expect(empty.token, 'nothing never takes the place of something').toBe('kept');
});

test('OD-39: damaged entries are skipped and harm nothing', () => {
  localStorage.setItem('deskbell.pk.out.1', '{');
  localStorage.setItem('deskbell.pk.out.2', 'null');
  localStorage.setItem('deskbell.pk.out.3', '{"client_id":"x","text":1}');
  localStorage.setItem('deskbell.pk.sent.1', '{"item":null,"epoch":"e","done_at":1}');
  const vault = new Vault('pk', true);
  vault.put(item(1));
  expect(vault.items).toEqual([item(1)]);
  expect(vault.sent).toEqual([]);
  expect(OUTBOX_MAX).toBe(50);
});

test('OD-39: a browser without storage still holds what waits until the page goes', () => {
  const { localStorage: real } = window;
  Object.defineProperty(window, 'localStorage', {
    configurable: true,
    get() {
      throw new DOMException('denied', 'SecurityError');
    },
  });
  try {
    const vault = new Vault('pk', true);
    vault.token = 'secret';
    vault.put(item(1));
    expect([vault.token, vault.items]).toEqual(['secret', [item(1)]]);
  } finally {
    Object.defineProperty(window, 'localStorage', { configurable: true, value: real });
  }
});

test('OD-37: what is kept of a person whom the shop vouches for is shown to nobody else, and goes with them', () => {
  const [vic, wen, nobody] = [new Vault('pk', true, 'vic'), new Vault('pk', false, 'wen.'), new Vault('pk', true)];
  const another = new Vault('another site', true, 'vic');
  for (const vault of [vic, wen, nobody, another]) {
    vault.token = vault.name;
    vault.put(item(1));
  }
  expect(new Vault('pk', true, 'vic').items).toHaveLength(1);
  expect(new Vault('pk', true, 'wen').items).toEqual([]);
  expect(new Vault('pk', true, 'vi').token).toBeNull();
  wen.forgetOthers();
  expect([vic.token, vic.items, wen.token, wen.items.length]).toEqual([null, [], wen.name, 1]);
  vic.token = 'again';
  nobody.forgetOthers();
  expect([vic.token, wen.token, wen.items]).toEqual([null, null, []]);
  expect([nobody.token, nobody.items.length, another.token]).toEqual([nobody.name, 1, another.name]);
});

test('OD-37: a person whose name begins as another one and a dot is still another one', () => {
  const vic = new Vault('pk', true, 'vic');
  const other = new Vault('pk', true, 'vic.b');
  other.token = 'theirs';
  vic.forgetOthers();
  expect(other.token).toBeNull();
});
