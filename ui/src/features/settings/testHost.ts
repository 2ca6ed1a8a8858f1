/** What tests of the settings stand on. */
import { cleanup } from '@testing-library/svelte';
import { afterEach, beforeEach } from 'vitest';
import { words } from '../../i18n/index.svelte';
import { usePlatform, type Commands } from '../../platform';

/** A host for each test of a file, which may change the language. Returns what the test's page asked for with one command. */
export function useHost<Name extends keyof Commands>(
  command: Name,
  answer: (request: Commands[Name][0]) => Promise<unknown> = () => Promise.resolve({}),
): Commands[Name][0][] {
  const asked: Commands[Name][0][] = [];
  beforeEach(() => {
    asked.length = 0;
    usePlatform({
      call: ((name: keyof Commands, request: Commands[Name][0]) => {
        if (name !== command) return Promise.resolve({});
        asked.push(request);
        return answer(request);
      }) as never,
      subscribe: () => () => {},
      pictureUrl: () => '',
    });
  });
  afterEach(() => {
    words.use('en');
    cleanup();
  });
  return asked;
}
