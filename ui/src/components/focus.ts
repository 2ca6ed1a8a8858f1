import { tick } from 'svelte';

/** Gives the focus to a place where one goes on, if what had it has gone and nothing else got it. */
export async function catchFocus(place: () => HTMLElement | null | undefined): Promise<void> {
  await tick();
  if (document.activeElement === document.body) place()?.focus();
}
