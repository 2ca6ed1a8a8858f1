import { expect, test } from 'vitest';
import type { AccountState, AccountView } from '../platform';
import { deskNames, healthOf, monogram } from './desks';

const ann = (of: Partial<AccountView>): AccountView => ({
  id: 1, agent: 1, name: 'Ann', email: 'ann@desk.test', desk: 'Tea', address: 'https://tea.test/', local: false, ...of,
});
const named = (...accounts: AccountView[]) => [...deskNames(accounts).values()];

test('a desk is called by its name, and by more only where that would be two desks', () => {
  expect(named(ann({}), ann({ id: 2, desk: 'Books' }))).toEqual(['Tea', 'Books']);
  expect(named(ann({}), ann({ id: 2, desk: 'tea', address: 'http://127.0.0.1:4791/' }))).toEqual(['Tea · tea.test', 'tea · 127.0.0.1:4791']);
  expect(named(ann({}), ann({ id: 2, agent: 2, name: 'Ben', email: 'ben@desk.test' }))).toEqual(['Tea · Ann', 'Tea · Ben']);
  expect(named(ann({}), ann({ id: 2, email: 'second@desk.test' }))).toEqual([
    'Tea · ann@desk.test · tea.test',
    'Tea · second@desk.test · tea.test',
  ]);
});

test('two characters stand for a desk', () => {
  expect(['Tea Shop', 'Books', 'Чай и кофе', '茶', ''].map(monogram)).toEqual(['TS', 'BO', 'ЧИ', '茶', '']);
});

test('a key that is missing counts more than the connection', () => {
  const state = (of: Partial<AccountState>, sync = 'live') => ({ open: true, fault: null, sync: { state: sync }, ...of }) as AccountState;
  const fault = (code: string) => state({ open: false, fault: { code, detail: '', field: null } as AccountState['fault'] }, 'signed_out');
  expect(healthOf(state({}))).toBe('live');
  expect(['connecting', 'syncing', 'offline', 'expired', 'version'].map((sync) => healthOf(state({}, sync)))).toEqual([
    'working', 'working', 'offline', 'expired', 'version',
  ]);
  expect(healthOf(state({ open: false }, 'signed_out'))).toBe('working');
  expect(['keychain_locked', 'undecryptable', 'newer_database'].map((code) => healthOf(fault(code)))).toEqual(['locked', 'locked', 'closed']);
});
