// What the pages say, read from the catalogue, so that a journey looks for what a person would read.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './programs.mjs';

/**
 * The texts of a catalogue by message id: `words('ui').send` is a text, and a message with blanks is a function,
 * `words('ui')['reply-to']({ name: 'Vic' })`. Texts that depend on a number are left out.
 */
export function words(catalogue, language = 'en') {
  const text = readFileSync(join(root, 'locales', language, `${catalogue}.ftl`), 'utf8');
  const messages = {};
  for (const [, id, value] of text.matchAll(/^([a-z][a-z0-9-]*) = (.+)$/gm)) {
    if (!value.includes('{')) messages[id] = value.trim();
    else if (!value.includes('->')) messages[id] = (blanks) => value.trim().replace(/\{ \$(\w+) \}/g, (_, name) => blanks[name]);
  }
  return new Proxy(messages, {
    get(target, id) {
      if (!(id in target)) throw new Error(`locales/${language}/${catalogue}.ftl has no text ${String(id)}`);
      return target[id];
    },
  });
}
