// What the pages say, read from the catalogue, so that a journey looks for what a person would read.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './programs.mjs';

/** The plain texts of a catalogue by message id, e.g. `words('ui').send`. Texts with parts are left out. */
export function words(catalogue, language = 'en') {
  const text = readFileSync(join(root, 'locales', language, `${catalogue}.ftl`), 'utf8');
  const plain = [...text.matchAll(/^([a-z][a-z0-9-]*) = ([^{\n]+)$/gm)].map(([, id, value]) => [id, value.trim()]);
  const messages = Object.fromEntries(plain);
  return new Proxy(messages, {
    get(target, id) {
      if (!(id in target)) throw new Error(`locales/${language}/${catalogue}.ftl has no plain text ${String(id)}`);
      return target[id];
    },
  });
}
