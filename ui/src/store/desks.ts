/** What the desks are called where there is more than one of them, and how each of them is. */
import type { AccountId, AccountState, AccountView } from '../platform';

/** How an account is, in one word: a reason why it is not open counts more than its connection. */
export type DeskHealth = 'live' | 'working' | 'offline' | 'expired' | 'version' | 'locked' | 'closed';

export function healthOf(state: AccountState): DeskHealth {
  if (state.fault) return state.fault.code === 'keychain_locked' || state.fault.code === 'undecryptable' ? 'locked' : 'closed';
  if (!state.open) return 'working';
  switch (state.sync.state) {
    case 'live':
      return 'live';
    case 'connecting':
    case 'syncing':
      return 'working';
    case 'expired':
    case 'version':
      return state.sync.state;
    default:
      return 'offline';
  }
}

/** A name for each account that no other one has: the desk's; else with its address; else with the person. */
export function deskNames(accounts: readonly AccountView[]): Map<AccountId, string> {
  const names: ((account: AccountView) => string)[] = [
    ({ desk }) => desk,
    (account) => `${account.desk} · ${host(account)}`,
    (account) => `${account.desk} · ${account.name}`,
    (account) => `${account.desk} · ${account.email} · ${host(account)}`,
  ];
  const alone = (account: AccountView, name: (account: AccountView) => string) =>
    accounts.filter((other) => name(other).toLowerCase() === name(account).toLowerCase()).length === 1;
  const last = names[names.length - 1] ?? (({ desk }: AccountView) => desk);
  return new Map(accounts.map((account) => [account.id, (names.find((name) => alone(account, name)) ?? last)(account)]));
}

function host(account: AccountView): string {
  return URL.canParse(account.address) ? new URL(account.address).host : account.address;
}

/** Two characters that stand for a name where there is room for no more. */
export function monogram(name: string): string {
  const parts = name.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  const [first = '', second = ''] = parts;
  const letters = second ? [...first].slice(0, 1).concat([...second].slice(0, 1)) : [...first].slice(0, 2);
  return letters.join('').toUpperCase();
}
