import { beforeEach, describe, expect, test, vi } from 'vitest';
import { CommandError, usePlatform } from '../platform';
import { Drafts } from './drafts.svelte';
import { notices } from './notices.svelte';

const VIC = 'c1.1';

/** A disk on which every write waits until the test lets it through. */
function slowDisk() {
  const waiting: { reply: string; settle: (failure?: Error) => void }[] = [];
  let kept = '';
  usePlatform({
    call: ((_: string, { reply }: { reply: string }) =>
      new Promise((resolve, reject) =>
        waiting.push({
          reply,
          settle: (failure) => {
            if (failure) return reject(failure);
            kept = reply;
            resolve({});
          },
        }),
      )) as never,
    subscribe: () => () => undefined,
    pictureUrl: () => '',
  });
  return { waiting, kept: () => kept };
}

describe('unsent texts', () => {
  beforeEach(() => {
    vi.restoreAllMocks();
  });

  test('an older text never lands on a newer one, however slow the disk is', async () => {
    const disk = slowDisk();
    const drafts = new Drafts();
    drafts.set(VIC, 'reply', 'One');
    void drafts.flush(VIC);
    await vi.waitFor(() => expect(disk.waiting.length).toBe(1));
    drafts.set(VIC, 'reply', 'One, two');
    const second = drafts.flush(VIC);
    await Promise.resolve();
    expect(disk.waiting.length, 'the second write waits for the first').toBe(1);
    disk.waiting[0]?.settle();
    await vi.waitFor(() => expect(disk.waiting.length).toBe(2));
    disk.waiting[1]?.settle();
    expect(await second).toBe(true);
    expect(disk.kept()).toBe('One, two');
  });

  test('whoever waits for the text to be kept waits for a write that is under way', async () => {
    const disk = slowDisk();
    const drafts = new Drafts();
    drafts.set(VIC, 'reply', 'One');
    void drafts.flush(VIC);
    let done = false;
    const all = drafts.flushAll().then(() => (done = true));
    await vi.waitFor(() => expect(disk.waiting.length).toBe(1));
    expect(done).toBe(false);
    disk.waiting[0]?.settle();
    await all;
  });

  test('a text that could not be kept is told of, and written again', async () => {
    const disk = slowDisk();
    const told = vi.spyOn(notices, 'fail').mockImplementation(() => undefined);
    const drafts = new Drafts();
    drafts.set(VIC, 'reply', 'One');
    const first = drafts.flush(VIC);
    await vi.waitFor(() => expect(disk.waiting.length).toBe(1));
    disk.waiting[0]?.settle(new CommandError({ code: 'disk_full', detail: 'full', field: null }));
    expect(await first).toBe(false);
    expect(told).toHaveBeenCalledOnce();
    const second = drafts.flush(VIC);
    await vi.waitFor(() => expect(disk.waiting.length).toBe(2));
    disk.waiting[1]?.settle();
    expect(await second).toBe(true);
    expect(disk.kept()).toBe('One');
  });

  test('OD-27: whom a note mentions is kept with it, comes back with one that is taken back, and goes with its text', async () => {
    slowDisk();
    const drafts = new Drafts();
    drafts.set(VIC, 'note', '@Ben');
    drafts.mention(VIC, [2]);
    drafts.set(VIC, 'reply', '');
    expect(drafts.get(VIC)).toEqual({ conversation: VIC, reply: '', note: '@Ben', mentions: [2] });
    drafts.set(VIC, 'note', '');
    expect(drafts.get(VIC).mentions).toEqual([]);
    const empty = { conversation: 'c1.2', reply: '', note: '', mentions: [] };
    usePlatform({ call: (() => Promise.resolve(empty)) as never, subscribe: () => () => undefined, pictureUrl: () => '' });
    await drafts.putBefore('c1.2', () => Promise.resolve({ tab: 'note', text: '@Cleo', mentions: [3] }));
    expect(drafts.get('c1.2').mentions).toEqual([3]);
  });
});
