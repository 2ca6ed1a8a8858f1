import { expect, test } from 'vitest';
import type { Delivery, MessageView, Thread } from '../../platform';
import { words } from '../../i18n/index.svelte';
import { cameMeanwhile, deeds, newestSeen, refusalText, secondsLeft, shortened, undoable } from './outgoing';

function message(of: Partial<MessageView>): MessageView {
  return {
    key: 'k', id: null, number: 0, author: { who: 'visitor' }, mine: true, kind: 'reply', text: [{ part: 'text', text: 'Hello' }],
    choices: [], attachments: [], article: null, files: [], created_at: 0, delivery: 'sent', refusal: null, client_id: 'c', sends_at: null, seen: null, ...of,
  } as MessageView;
}

const thread = (...messages: Partial<MessageView>[]): Thread => ({ messages: messages.map(message), more_here: false, more_there: false, refused: [], kept: [] });

test('a message kept back counts down to one, and shows no years when a clock jumped', () => {
  const kept = message({ delivery: 'delayed', sends_at: 5_000 });
  expect([0, 1, 4_999, 9_000].map((now) => secondsLeft(kept, now))).toEqual([5, 5, 1, 1]);
  expect(secondsLeft(kept, -1e12)).toBe(10);
});

test('each state offers what can be done, and nothing once the visitor may have it', () => {
  const all = (delivery: Delivery) => deeds(message({ delivery }));
  expect(all('delayed')).toEqual(['undo']);
  expect(all('queued')).toEqual(['edit', 'discard']);
  expect(all('held')).toEqual(['send', 'edit', 'discard']);
  expect(all('refused')).toEqual(['retry', 'edit', 'discard']);
  for (const over of ['sending', 'retrying', 'sent', 'seen', 'received'] as const) expect(all(over)).toEqual([]);
  expect(deeds(message({ delivery: 'queued', client_id: null }))).toEqual([]);
});

test('the newest message kept back is the one to undo', () => {
  const kept = thread({ client_id: 'a', delivery: 'delayed' }, { client_id: 'b', delivery: 'delayed' }, { client_id: 'c', delivery: 'queued' });
  expect(undoable(kept)).toBe('b');
  expect(undoable(thread({ delivery: 'sent' }))).toBeNull();
  expect(undoable(undefined)).toBeNull();
});

test('what was on screen ends with the newest number, and what came after a held reply is marked', () => {
  const held = thread({ number: 3, key: '3' }, { number: 4, key: '4' }, { number: 5, key: '5' }, { delivery: 'held', seen: 3 });
  expect(newestSeen(held)).toBe(5);
  expect(newestSeen(undefined)).toBe(0);
  expect(cameMeanwhile(held)).toBe('4');
  expect(cameMeanwhile(thread({ number: 3 }))).toBeUndefined();
});

test('a refusal says what to do, and a button which message it is about', () => {
  expect(refusalText(message({ refusal: 'too_large' }))).toBe(words.m.refusedTooLarge());
  expect(refusalText(message({ refusal: 'origin' }))).toBe(words.m.refusedOther());
  expect(shortened(message({ text: [{ part: 'text', text: 'x'.repeat(50) }] }))).toBe(`${'x'.repeat(40)}…`);
});
