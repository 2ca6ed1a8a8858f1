/** Short messages at the window's edge: what just happened, and why something did not. */
import { words } from '../i18n/index.svelte';
import { CommandError, type ApiErrorCode } from '../platform';
import { announcer } from './announcer.svelte';

const SHOWN_MS = 8000;
const MOST = 3;

export interface Notice {
  id: number;
  text: string;
  bad: boolean;
}

class Notices {
  list = $state.raw<Notice[]>([]);
  #next = 1;

  show(text: string, bad = false): void {
    const id = this.#next++;
    this.list = [...this.list.slice(-(MOST - 1)), { id, text, bad }];
    if (bad) announcer.alarm(text);
    setTimeout(() => this.dismiss(id), SHOWN_MS);
  }

  dismiss(id: number): void {
    this.list = this.list.filter((notice) => notice.id !== id);
  }

  /** Says why a command failed. */
  fail(cause: unknown): void {
    this.show(errorText(CommandError.from(cause).error.code), true);
  }
}

export const notices = new Notices();

/** One sentence for each code, that says what to do next. */
export function errorText(code: ApiErrorCode): string {
  const m = words.m;
  const texts: Record<ApiErrorCode, () => string> = {
    wrong_password: m.errorWrongPassword,
    code_required: m.errorCodeRequired,
    code_wrong: m.errorCodeWrong,
    too_many_attempts: m.errorTooManyAttempts,
    no_agent: m.errorNoAgent,
    provider_failed: m.errorProviderFailed,
    sign_in_ended: m.errorSignInEnded,
    unreachable: m.errorUnreachable,
    not_a_desk: m.errorNotADesk,
    version: m.errorVersion,
    expired: m.errorExpired,
    revoked: m.errorRevoked,
    signed_out: m.errorSignedOut,
    signed_in_already: m.errorSignedInAlready,
    too_many_accounts: m.errorTooManyAccounts,
    disk_full: m.errorDiskFull,
    newer_database: m.errorNewerDatabase,
    damaged_database: m.errorDamagedDatabase,
    keychain_locked: m.errorKeychainLocked,
    undecryptable: m.errorUndecryptable,
    offline: m.errorOffline,
    not_found: m.errorNotFound,
    invalid: m.errorInvalid,
    conflict: m.errorConflict,
    too_late: m.errorTooLate,
    too_large: m.errorTooLarge,
    unsupported_type: m.errorUnsupportedType,
    internal: m.errorInternal,
  };
  return texts[code]();
}
