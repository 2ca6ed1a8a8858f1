import { describe, expect, test } from 'vitest';
import { mayKeep, mayRecognise, tracking } from '../src/loader/privacy';
import { chooseLanguage } from '../src/shared/language';
import { pause } from '../src/shared/random';

describe('OD-37: what a shop may track of an unnamed visitor', () => {
  test('a browser that asks not to be tracked is not tracked, whatever the page says', () => {
    expect(tracking('full', true)).toBe('off');
    expect(tracking('anonymous', true)).toBe('off');
  });
  test('without a word, or with a misspelt one, the visitor stays anonymous', () => {
    expect(tracking(null, false)).toBe('anonymous');
    expect(tracking('Full', false)).toBe('anonymous');
    expect(tracking('off', false)).toBe('off');
    expect(tracking('full', false)).toBe('full');
  });
  test('a visitor is known again only in the mode "full" and only after consent', () => {
    expect(mayRecognise('full', {}, false)).toBe(false);
    expect(mayRecognise('full', { tracking: true }, false)).toBe(true);
    expect(mayRecognise('full', {}, true)).toBe(true);
    expect(mayRecognise('full', { tracking: false }, true)).toBe(false);
    expect(mayRecognise('full', { tracking: true, storage: false }, true)).toBe(false);
    expect(mayRecognise('anonymous', { tracking: true }, true)).toBe(false);
    expect(mayRecognise('off', { tracking: true }, true)).toBe(false);
  });
  test('the conversation is kept beyond the tab unless tracking is off or storage is refused', () => {
    expect(mayKeep('off', {})).toBe(false);
    expect(mayKeep('off', { storage: true })).toBe(true);
    expect(mayKeep('anonymous', {})).toBe(true);
    expect(mayKeep('full', { storage: false })).toBe(false);
  });
});

test('the language is the first wanted one that is spoken', () => {
  expect(chooseLanguage(['es-MX'])).toBe('es');
  expect(chooseLanguage(['', null, 'fr', 'ru_RU', 'es'])).toBe('ru');
  expect(chooseLanguage(['de'])).toBe('en');
});

test('the pause before the next try lies between half a second and half a minute', () => {
  for (const attempt of [0, 1, 5, 10, 1_000])
    for (const random of [0, 0.5, 1]) {
      expect(pause(attempt, random)).toBeGreaterThanOrEqual(500);
      expect(pause(attempt, random)).toBeLessThanOrEqual(30_000);
    }
  expect(pause(20, 1)).toBe(30_000);
  expect(pause(0, 1)).toBeLessThanOrEqual(1_000);
});
