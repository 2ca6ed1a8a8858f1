#!/usr/bin/env node
// Picks the few texts that the loader says out of the generated catalogue, in every language: the loader is one
// script, and the whole catalogue would not fit into its budget.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const directory = fileURLToPath(new URL('../src/i18n/generated/', import.meta.url));
const chosen = /^ {2}launcher\w*: .*$/gm;

function pick(language) {
  const lines = readFileSync(`${directory}${language}.ts`, 'utf8').match(chosen) ?? [];
  if (lines.length === 0) throw new Error(`${language}: the catalogue has no text that begins with "launcher".`);
  return lines;
}

let code = `// Written by scripts/launcher-texts.mjs; do not edit.
import type { Messages } from './types';

export type LauncherTexts = Pick<Messages, Extract<keyof Messages, \`launcher\${string}\`>>;

export function launcherTexts(language: 'en' | 'es' | 'ru'): LauncherTexts {
  const rules = new Intl.PluralRules(language);
  const digits = new Intl.NumberFormat(language);
  const p = (n: number) => rules.select(n);
  const f = (v: string | number) => (typeof v === 'number' ? digits.format(v) : v);
`;
for (const language of ['es', 'ru']) code += `  if (language === '${language}') return {\n${pick(language).join('\n')}\n  };\n`;
code += `  return {\n${pick('en').join('\n')}\n  };\n}\n`;
writeFileSync(`${directory}launcher.ts`, code);
