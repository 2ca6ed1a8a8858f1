import { expect, test } from 'vitest';
import type { ConversationRef } from '../../platform';
import { arrange } from './order';

const row = (id: ConversationRef, text = '') => ({ id, text });
const VIC = 'c1.1';
const WEN = 'c1.2';
const NEW = 'c1.3';
const NEWEST = 'c1.4';

test('OD-06: the most recently active chat comes first, wherever it stood', () => {
  const newest = [row(WEN, 'Hello?'), row(VIC)];
  expect(arrange(newest, [row(VIC), row(WEN)], false)).toEqual(newest);
});

test('OD-06: a held order stays, with what is new in each row', () => {
  expect(arrange([row(WEN, 'Hello?'), row(VIC)], [row(VIC), row(WEN)], true)).toEqual([row(VIC), row(WEN, 'Hello?')]);
});

test('OD-06: new chats come last while the order is held, and stay where they came', () => {
  const first = arrange([row(NEW), row(VIC), row(WEN)], [row(VIC), row(WEN)], true);
  expect(first).toEqual([row(VIC), row(WEN), row(NEW)]);
  const second = arrange([row(NEWEST), row(NEW), row(VIC), row(WEN)], first, true);
  expect(second).toEqual([row(VIC), row(WEN), row(NEW), row(NEWEST)]);
});

test('OD-06: a chat that goes leaves its row while the order is held, and takes it away after that', () => {
  const shown = [row(VIC, 'Thank you.'), row(WEN)];
  expect(arrange([row(WEN)], shown, true)).toEqual(shown);
  expect(arrange([row(WEN)], shown, false)).toEqual([row(WEN)]);
});
