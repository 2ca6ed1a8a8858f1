/** Matching keys, on every layout. */

export interface Stroke {
  key: string;
  code: string;
  ctrlKey: boolean;
  metaKey: boolean;
  shiftKey: boolean;
  altKey: boolean;
}

/** What the key types in Latin letters: itself, or by its place when the layout is another one. */
function letter(stroke: Stroke): string {
  if (/^[\x20-\x7e]$/u.test(stroke.key)) return stroke.key.toLowerCase();
  const place = /^Key([A-Z])$/u.exec(stroke.code) ?? /^Digit([0-9])$/u.exec(stroke.code);
  if (place?.[1]) return place[1].toLowerCase();
  return stroke.key;
}

/** Whether a stroke is the combination, e.g. `Mod+Shift+A`. */
export function matches(stroke: Stroke, keys: string, mac: boolean): boolean {
  const parts = keys.split('+');
  const key = parts.pop() ?? '';
  const wants = (name: string) => parts.includes(name);
  const ctrl = wants('Ctrl') || (wants('Mod') && !mac);
  const meta = wants('Mod') && mac;
  if (stroke.ctrlKey !== ctrl || stroke.metaKey !== meta) return false;
  if (stroke.altKey !== wants('Alt') || stroke.shiftKey !== wants('Shift')) return false;
  if (key.length > 1) return stroke.key === key;
  if (letter(stroke) === key.toLowerCase()) return true;
  // With Shift held, a digit or sign types another character; its place still tells.
  return stroke.code === `Digit${key}` || (key === '/' && stroke.code === 'Slash') || (key === ',' && stroke.code === 'Comma');
}

/** Whether a stroke is a key on its own that types this character. */
export function types(stroke: Stroke, character: string): boolean {
  if (stroke.ctrlKey || stroke.metaKey || stroke.altKey) return false;
  if (stroke.key === character) return true;
  return /^[a-z]$/u.test(character) && !stroke.shiftKey && letter(stroke) === character;
}

/** An input method is composing, and the key is its own. Some web views tell so by the code alone. */
export function composes(event: KeyboardEvent): boolean {
  return event.isComposing || event.keyCode === 229;
}

/** The page is on a system of Apple's, which has keys of its own. */
export function onMac(): boolean {
  return navigator.platform.startsWith('Mac');
}

/** The combination as people read it on this system. */
export function shown(keys: string, mac = onMac()): string {
  const names: Record<string, string> = mac
    ? { Mod: '⌘', Shift: '⇧', Alt: '⌥', Ctrl: '⌃', ArrowUp: '↑', ArrowDown: '↓' }
    : { Mod: 'Ctrl', ArrowUp: '↑', ArrowDown: '↓' };
  return keys
    .split('+')
    .map((key) => names[key] ?? key)
    .join(mac ? '' : '+');
}
