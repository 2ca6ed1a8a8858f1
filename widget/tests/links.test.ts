import { expect, test } from 'vitest';
import { pieces } from '../src/panel/links';

const hrefs = (text: string) => pieces(text).flatMap(({ href }) => href ?? []);

test.each([
  ['See https://shop.example/moss?size=0.7.', 'https://shop.example/moss?size=0.7'],
  ['(https://shop.example/a)', 'https://shop.example/a'],
  ['https://en.wiki.example/Moss_(plant), really', 'https://en.wiki.example/Moss_(plant)'],
  ['«http://shop.example»', 'http://shop.example/'],
  ['HTTPS://SHOP.EXAMPLE/A', 'https://shop.example/A'],
])('OD-33: %j holds the link %j', (text, href) => {
  expect(hrefs(text)).toEqual([href]);
});

test.each([
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'data:text/html,<script>1</script>',
  'vbscript:msgbox(1)',
  'file:///etc/passwd',
  'https://bank.example@evil.example/',
  'https://user:word@evil.example/',
  'https://',
  'http://[',
  '<a href="x">',
])('LNK: %j becomes no link', (text) => {
  expect(hrefs(text)).toEqual([]);
});

test('LNK: whatever is a link, the words of the message stay exactly as written', () => {
  for (const text of [
    'a https://a.example b https://b.example/?q=<script> c',
    'https://a.example/\u202egpj.exe',
    '<img src=x onerror=alert(1)> https://a.example/"onmouseover="x',
    'x'.repeat(10_000),
    'https://a.example/'.repeat(500),
  ]) {
    const found = pieces(text);
    expect(found.map((piece) => piece.text).join('')).toBe(text);
    for (const { href } of found) if (href) expect(href).toMatch(/^https?:\/\//);
  }
});

test('LNK: a sign that turns the writing around ends a link', () => {
  expect(hrefs('https://a.example/\u202egpj.exe')).toEqual(['https://a.example/']);
});
