#!/usr/bin/env node
// Moves the few texts that the loader says out of the generated catalogue, in every language: the loader is one
// script, and the whole catalogue would not fit into its budget. Nobody downloads them a second time with the panel.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const directory = fileURLToPath(new URL('../src/i18n/generated/', import.meta.url));
const chosen = /^ {2}launcher\w*[:(].*\n/gm;
/** What the panel says as well. */
const shared = /^ {2}launcherFrame\b/;

function move(name) {
  const path = `${directory}${name}.ts`;
  const whole = readFileSync(path, 'utf8');
  const lines = whole.match(chosen) ?? [];
  if (lines.length === 0) throw new Error(`${name}: the catalogue has no text that begins with "launcher".`);
  writeFileSync(path, whole.replace(chosen, (line) => (shared.test(line) ? line : '')));
  return lines.join('');
}

let code = `// Written by scripts/launcher-texts.mjs; do not edit.
export interface LauncherTexts {
${move('types')}}

export function launcherTexts(language: 'en' | 'es' | 'ru'): LauncherTexts {
  const rules = new Intl.PluralRules(language);
  const digits = new Intl.NumberFormat(language);
  const p = (n: number) => rules.select(n);
  const f = (v: string | number) => (typeof v === 'number' ? digits.format(v) : v);
`;
for (const language of ['es', 'ru']) code += `  if (language === '${language}') return {\n${move(language)}  };\n`;
code += `  return {\n${move('en')}  };\n}\n`;
writeFileSync(`${directory}launcher.ts`, code);
