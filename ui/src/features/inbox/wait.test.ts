import { expect, test } from 'vitest';
import { waitStep } from './wait';

test('DC-03: the wait grows louder at ten seconds, forty seconds, two and ten minutes', () => {
  const steps = [0, 9_999, 10_000, 39_999, 40_000, 119_999, 120_000, 599_999, 600_000].map(waitStep);
  expect(steps).toEqual(['none', 'none', 'plain', 'plain', 'warn', 'warn', 'bad', 'bad', 'worst']);
});
