import { expect, test } from 'vitest';
import { snoozedText, times } from './snooze';

const at = (text: string) => new Date(text).getTime();

test('a chat is put off for an hour, until tomorrow morning, or until the morning of the next Monday', () => {
  // A Saturday.
  expect(times(at('2026-11-21T15:20:00'))).toEqual({
    hour: at('2026-11-21T16:20:00'),
    tomorrow: at('2026-11-22T09:00:00'),
    monday: at('2026-11-23T09:00:00'),
  });
  // On a Monday, early, the next one is a week away; on a Sunday it is tomorrow.
  expect(times(at('2026-11-23T07:00:00')).monday).toBe(at('2026-11-30T09:00:00'));
  expect(times(at('2026-11-22T23:59:00')).monday).toBe(at('2026-11-23T09:00:00'));
  // The last day of a year.
  expect(times(at('2026-12-31T10:00:00')).tomorrow).toBe(at('2027-01-01T09:00:00'));
});

test('a snoozed chat says until when', () => {
  const now = at('2026-11-21T15:20:00');
  expect(snoozedText({ snoozed_until: at('2026-11-21T16:20:00') }, now)).toBe('Snoozed until 16:20');
  expect(snoozedText({ snoozed_until: at('2026-11-23T09:00:00') }, now)).toMatch(/^Snoozed until Mon.*23.*09:00$/u);
  expect(snoozedText({ snoozed_until: null }, now)).toBe('Snoozed until the next reply');
});
