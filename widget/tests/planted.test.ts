/// <reference types="node" />
// Bugs are planted in the messenger, one after the other, and the suite has to find each.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

/** Every bug, and a test that is known to find it. */
const FOUND_BY: Record<Bug, string> = {
  cursor_before_rows: 'snapshot_cut.json',
  gap_of_one: 'a delta that does not begin at the cursor is not applied',
  behind_too_early: 'lost_delta_told_by_heartbeat.json',
  removed_on_ack: 'answer_and_change.json',
  offered_last: 'restored_desk.json',
};

interface Report {
  numPassedTests: number;
  testResults: { assertionResults: { title: string; status: string }[] }[];
}

const widget = join(dirname(fileURLToPath(import.meta.url)), '..');
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');

/** Runs what tests the rules of sync, in a process of its own. */
function suite(bug: Bug | null): { passed: number; failed: string[] } {
  const directory = mkdtempSync(join(tmpdir(), 'deskbell-planted-'));
  const file = join(directory, 'report.json');
  const { VITEST: _, DESKBELL_BUG: __, ...env } = process.env;
  const files = ['tests/sync.test.ts', 'tests/traces.test.ts'];
  spawnSync(process.execPath, [vitest, 'run', '--reporter=json', `--outputFile=${file}`, ...files], {
    cwd: widget,
    env: bug === null ? env : { ...env, DESKBELL_BUG: bug },
  });
  const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
  rmSync(directory, { recursive: true });
  const results = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  return {
    passed: report.numPassedTests,
    failed: results.filter(({ status }) => status === 'failed').map(({ title }) => title),
  };
}

// Each takes a run of its own.
const timeout = 120_000;

describe.runIf(process.env.CI || process.env.DESKBELL_PLANTED)('bugs planted in the messenger are found', () => {
  test('without a bug nothing fails', { timeout }, () => {
    const { passed, failed } = suite(null);
    expect(failed).toEqual([]);
    expect(passed).toBeGreaterThan(0);
  });

  for (const [bug, by] of Object.entries(FOUND_BY) as [Bug, string][]) {
    test(`${bug} is found`, { timeout }, () => {
      const { failed } = suite(bug);
      console.info(`${bug} was found by:\n  ${failed.join('\n  ')}`);
      expect(failed.some((title) => title.includes(by)), `found by ${JSON.stringify(failed)}`).toBe(true);
    });
  }
});
