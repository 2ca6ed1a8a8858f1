import { expect, test } from 'vitest';
import { step, withFilter } from './results';

test('OD-16: a filter is added at the end, and takes the place of an empty one', () => {
  expect(withFilter('', 'from')).toBe('from:');
  expect(withFilter('green tea ', 'in')).toBe('green tea in:');
  expect(withFilter('tea from:', 'to')).toBe('tea to:');
  expect(withFilter('from:', 'has')).toBe('has:');
  expect(withFilter('tea from:ann', 'to')).toBe('tea from:ann to:');
  expect(withFilter('teafrom:', 'to')).toBe('teafrom: to:');
});

test('OD-16: arrow keys go round', () => {
  expect(step(0, 1, 3)).toBe(1);
  expect(step(2, 1, 3)).toBe(0);
  expect(step(0, -1, 3)).toBe(2);
  expect(step(0, 1, 0)).toBe(0);
});
