/** How long a visitor waits, in steps that are seen from afar. */

/** `none` under 10 s, `plain` to 40 s, `warn` to 2 min, `bad` to 10 min, then `worst`. */
export type WaitStep = 'none' | 'plain' | 'warn' | 'bad' | 'worst';

const STEPS: readonly (readonly [number, WaitStep])[] = [
  [600_000, 'worst'],
  [120_000, 'bad'],
  [40_000, 'warn'],
  [10_000, 'plain'],
];

export function waitStep(milliseconds: number): WaitStep {
  return STEPS.find(([from]) => milliseconds >= from)?.[1] ?? 'none';
}
