import { expect, test } from 'vitest';
import { missingPlaceholders, pickerQuery } from './picker';

test('TV-05: a number sign at the start of a word asks for prepared texts', () => {
  expect(pickerQuery('#', 1)).toEqual({ from: 0, query: '' });
  expect(pickerQuery('hello #gre', 10)).toEqual({ from: 6, query: 'gre' });
  expect(pickerQuery('№при', 4)).toEqual({ from: 0, query: 'при' });
  expect(pickerQuery('#gre and more', 4)).toEqual({ from: 0, query: 'gre' });
});

test('TV-05: a number sign within a word or before a space asks for nothing', () => {
  for (const text of ['C#', 'order#44', '#a b', '', 'no sign']) expect(pickerQuery(text, text.length)).toBeNull();
});

test('TV-05: a placeholder that was not filled in is named once', () => {
  const text = 'Hi {visitor.name}, {visitor.name} of {visitor.email}';
  expect(missingPlaceholders(text)).toEqual(['{visitor.name}', '{visitor.email}']);
  expect(missingPlaceholders('a {curly} text')).toEqual([]);
});
