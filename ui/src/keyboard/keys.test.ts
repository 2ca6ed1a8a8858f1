import { expect, test } from 'vitest';
import { matches, shown, types, type Stroke } from './keys';

const stroke = (key: string, code: string, held: Partial<Stroke> = {}): Stroke => ({
  key,
  code,
  ctrlKey: false,
  metaKey: false,
  shiftKey: false,
  altKey: false,
  ...held,
});

test('shortcuts work on a Russian layout by the place of the key', () => {
  expect(matches(stroke('л', 'KeyK', { ctrlKey: true }), 'Mod+K', false)).toBe(true);
  expect(matches(stroke('Ф', 'KeyA', { ctrlKey: true, shiftKey: true }), 'Mod+Shift+A', false)).toBe(true);
  expect(types(stroke('о', 'KeyJ'), 'j')).toBe(true);
});

test('on a Latin layout the letter counts, not its place', () => {
  // On a French keyboard the key in the place of Q types a.
  expect(matches(stroke('a', 'KeyQ', { ctrlKey: true }), 'Mod+A', false)).toBe(true);
  expect(matches(stroke('a', 'KeyQ', { ctrlKey: true }), 'Mod+Q', false)).toBe(false);
});

test('AltGr, which types # and @ in Spain, is never a shortcut', () => {
  expect(matches(stroke('#', 'Digit3', { ctrlKey: true, altKey: true }), 'Mod+3', false)).toBe(false);
  expect(types(stroke('j', 'KeyJ', { ctrlKey: true }), 'j')).toBe(false);
});

test('macOS has its own modifier', () => {
  expect(matches(stroke('k', 'KeyK', { metaKey: true }), 'Mod+K', true)).toBe(true);
  expect(matches(stroke('k', 'KeyK', { ctrlKey: true }), 'Mod+K', true)).toBe(false);
  expect(shown('Mod+Shift+X', true)).toBe('⌘⇧X');
  expect(shown('Mod+Shift+X', false)).toBe('Ctrl+Shift+X');
});
