import { devhost } from './devhost';
import { tauri } from './tauri';
import type { Platform } from './types';

export { CommandError, type Platform } from './types';
export { accountOf } from './refs';
export type * from './generated';

let chosen: Platform | undefined;

/** The host this page runs in. */
export function platform(): Platform {
  chosen ??= '__TAURI_INTERNALS__' in window ? tauri() : devhost();
  return chosen;
}

/** Puts another host in its place, for tests. */
export function usePlatform(other: Platform): void {
  chosen = other;
}
