import { expect, test } from 'vitest';
import { mentions, missingPlaceholders, pickerQuery } from './picker';

test('TV-05: a number sign at the start of a word asks for prepared texts', () => {
  expect(pickerQuery('#', 1)).toEqual({ of: 'texts', from: 0, query: '' });
  expect(pickerQuery('hello #gre', 10)).toEqual({ of: 'texts', from: 6, query: 'gre' });
  expect(pickerQuery('№при', 4)).toEqual({ of: 'texts', from: 0, query: 'при' });
  expect(pickerQuery('#gre and more', 4)).toEqual({ of: 'texts', from: 0, query: 'gre' });
});

test('TV-05: a number sign within a word or before a space asks for nothing', () => {
  for (const text of ['C#', 'order#44', '#a b', '', 'no sign']) expect(pickerQuery(text, text.length)).toBeNull();
});

test('TV-05: a placeholder that was not filled in is named once', () => {
  const text = 'Hi {visitor.name}, {visitor.name} of {visitor.email}';
  expect(missingPlaceholders(text)).toEqual(['{visitor.name}', '{visitor.email}']);
  expect(missingPlaceholders('a {curly} text')).toEqual([]);
});

test('OD-27: an at sign at the start of a word asks for colleagues, also by two words of a name', () => {
  expect(pickerQuery('@', 1)).toEqual({ of: 'people', from: 0, query: '' });
  expect(pickerQuery('(@Ben', 5)).toEqual({ of: 'people', from: 1, query: 'Ben' });
  expect(pickerQuery('ask @Ann Le', 11)).toEqual({ of: 'people', from: 4, query: 'Ann Le' });
  for (const text of ['ben@desk', '@Ben and Ann', '@Ben ', '@\n']) expect(pickerQuery(text, text.length)).toBeNull();
});

test('OD-27: a name is mentioned where it stands whole after an at sign', () => {
  expect(mentions('(@Ñuñez), look', 'Ñuñez')).toBe(true);
  expect(mentions('@Benny and @Ben', 'Ben')).toBe(true);
  for (const text of ['@Benny', 'mail@Ben', 'Ben', '@ben']) expect(mentions(text, 'Ben')).toBe(false);
});
