// A journey: one test that tells one story, with a directory of its own and a clean end.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Hung, results } from './programs.mjs';

/** Longest a journey may take, in milliseconds. */
const LIMIT = 180_000;

/** What a journey is given: a directory, and a place for everything that must end with it. */
class Stage {
  directory = mkdtempSync(join(tmpdir(), 'deskbell-journey-'));
  #ends = [];

  /** Something with `stop()`; what came last ends first. */
  keep(thing) {
    this.#ends.push(thing);
    return thing;
  }

  /** Pictures of everything that can be seen and what the app says, for whoever looks into a failure. */
  async keepTraces(title) {
    const name = title.toLowerCase().replace(/[^a-z0-9]+/g, '-').slice(0, 60);
    for (const [index, thing] of this.#ends.entries()) {
      // What has ended, or hangs, cannot be seen any more.
      await thing.picture?.(join(results, `${name}-${index + 1}.png`)).catch(() => {});
      const said = await thing.words?.().catch(() => undefined);
      if (said) console.error(`${thing.name} says: ${said}`);
    }
  }

  async clear() {
    for (const thing of this.#ends.reverse()) await thing.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/**
 * Tells a story. It is told once more when a WebDriver session hung, which happens on busy machines and says
 * nothing of the product; any other failure is final.
 */
export function journey(title, story) {
  test(title, { timeout: 2 * LIMIT }, async (context) => {
    for (let attempt = 1; ; attempt += 1) {
      const stage = new Stage();
      try {
        return await story(stage, context);
      } catch (error) {
        await stage.keepTraces(title);
        if (attempt === 2 || !(error instanceof Hung)) throw error;
        context.diagnostic(`${error.message}: told once more`);
      } finally {
        await stage.clear();
      }
    }
  });
}
