/** What is said of a desk's state. */
import { words } from '../i18n/index.svelte';
import type { AccountState, SyncState } from '../platform';

/** How a connection is, in a few words. */
export function syncText(state: SyncState): string {
  const m = words.m;
  const texts: Record<SyncState, () => string> = {
    signed_out: m.offlineShort,
    connecting: m.connectingShort,
    syncing: m.syncSyncing,
    live: m.syncLive,
    offline: m.offlineShort,
    expired: m.syncExpired,
    version: m.syncVersion,
  };
  return texts[state]();
}

/** How a desk is, in a few words. */
export function deskText(state: AccountState): string {
  if (state.fault) return state.fault.code === 'keychain_locked' ? words.m.deskLocked() : words.m.deskClosed();
  return state.open ? syncText(state.sync.state) : words.m.openingAgain();
}
