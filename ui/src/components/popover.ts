/** Between a button and what it opens, and to the edge of the window. */
const GAP_PX = 4;

/** Shows what a button opens beside it, where the window's end cuts nothing off. */
export function showBeside(button: HTMLElement, popover: HTMLElement): void {
  popover.showPopover?.();
  const at = button.getBoundingClientRect();
  const { offsetWidth, offsetHeight } = popover;
  const below = at.bottom + GAP_PX;
  const fits = below + offsetHeight + GAP_PX <= window.innerHeight;
  popover.style.top = `${fits ? below : Math.max(GAP_PX, at.top - GAP_PX - offsetHeight)}px`;
  popover.style.left = `${Math.max(GAP_PX, Math.min(at.left, window.innerWidth - offsetWidth - GAP_PX))}px`;
}

/** What is open closes when it loses the focus: a press on its button must not take that before it closes it. */
export function keepOpen(event: MouseEvent, open: boolean): void {
  if (open) event.preventDefault();
}
