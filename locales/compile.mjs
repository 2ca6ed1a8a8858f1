#!/usr/bin/env node
// Turns locales/<language>/<catalogue>.ftl into typed functions, so that a missing text, a missing
// argument or a misspelt name fails the build and nothing has to be looked up at run time.
//
// Usage: compile-locales <catalogue> <output directory>
// Writes <language>.ts for every language, and types.ts with the shape they all share.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FluentParser } from '@fluent/syntax';

const LANGUAGES = ['en', 'es', 'ru'];
const here = dirname(fileURLToPath(import.meta.url));

function fail(message) {
  console.error(`locales: ${message}`);
  process.exit(1);
}

function camel(id) {
  return id.replace(/-([a-z0-9])/g, (_, letter) => letter.toUpperCase());
}

/** The arguments of a pattern: name -> 'number' when it selects a plural form, else 'string | number'. */
function collect(pattern, found = new Map()) {
  for (const element of pattern.elements) {
    if (element.type !== 'Placeable') continue;
    const expression = element.expression;
    if (expression.type === 'VariableReference') {
      if (!found.has(expression.id.name)) found.set(expression.id.name, 'string | number');
    } else if (expression.type === 'SelectExpression') {
      const plural = expression.variants.some(({ key }) => key.type === 'Identifier' && PLURALS.has(key.name));
      found.set(expression.selector.id.name, plural ? 'number' : 'string | number');
      for (const variant of expression.variants) collect(variant.value, found);
    }
  }
  return found;
}
const PLURALS = new Set(['zero', 'one', 'two', 'few', 'many', 'other']);

function expressionCode(expression, where) {
  switch (expression.type) {
    case 'VariableReference':
      return `f(a.${expression.id.name})`;
    case 'StringLiteral':
      return JSON.stringify(expression.parse().value);
    case 'SelectExpression': {
      const variable = `a.${expression.selector.id.name}`;
      let code = '';
      let fallback = '""';
      for (const variant of expression.variants) {
        const value = patternCode(variant.value, where);
        if (variant.default) fallback = value;
        const key = variant.key.type === 'NumberLiteral' ? variant.key.value : variant.key.name;
        if (variant.key.type === 'NumberLiteral') code += `${variable} === ${key} ? ${value} : `;
        else if (PLURALS.has(key)) { if (!variant.default) code += `p(${variable}) === "${key}" ? ${value} : `; }
        else if (!variant.default) code += `${variable} === "${key}" ? ${value} : `;
      }
      return `(${code}${fallback})`;
    }
    default:
      return fail(`${where}: ${expression.type} is not supported`);
  }
}

function patternCode(pattern, where) {
  return pattern.elements
    .map((element) =>
      element.type === 'TextElement' ? JSON.stringify(element.value) : expressionCode(element.expression, where),
    )
    .join(' + ');
}

function read(language, catalogue) {
  const path = join(here, language, `${catalogue}.ftl`);
  const messages = new Map();
  for (const entry of new FluentParser().parse(readFileSync(path, 'utf8')).body) {
    if (entry.type === 'Junk') fail(`${path}: cannot read ${JSON.stringify(entry.content.slice(0, 60))}`);
    if (entry.type !== 'Message' || !entry.value) continue;
    if (messages.has(entry.id.name)) fail(`${path}: ${entry.id.name} stands twice`);
    messages.set(entry.id.name, { pattern: entry.value, arguments: collect(entry.value) });
  }
  return messages;
}

const [catalogue, output] = process.argv.slice(2);
if (!catalogue || !output) fail('usage: compile-locales <catalogue> <output directory>');
const directory = resolve(output);
mkdirSync(directory, { recursive: true });

const reference = read('en', catalogue);
const write = (name, text) => writeFileSync(join(directory, name), `// Written by locales/compile.mjs; do not edit.\n${text}`);

let types = 'export interface Messages {\n';
for (const [id, message] of reference) {
  const parameters = [...message.arguments].map(([name, type]) => `${name}: ${type}`).join('; ');
  types += parameters ? `  ${camel(id)}(a: { ${parameters} }): string;\n` : `  ${camel(id)}(): string;\n`;
}
write('types.ts', `${types}}\n`);

for (const language of LANGUAGES) {
  const messages = read(language, catalogue);
  for (const id of reference.keys()) if (!messages.has(id)) fail(`${language}/${catalogue}.ftl: ${id} is missing`);
  for (const id of messages.keys()) if (!reference.has(id)) fail(`${language}/${catalogue}.ftl: ${id} is not in en`);
  let body = '';
  for (const [id, message] of messages) {
    const wanted = [...reference.get(id).arguments.keys()].sort().join();
    const found = [...message.arguments.keys()].sort().join();
    if (wanted !== found) fail(`${language}/${catalogue}.ftl: ${id} takes (${found}), en takes (${wanted})`);
    const code = patternCode(message.pattern, `${language}/${catalogue}.ftl: ${id}`);
    body += `  ${camel(id)}: (${message.arguments.size ? 'a' : ''}) => ${code},\n`;
  }
  const plural = body.includes('p(a.')
    ? `const rules = new Intl.PluralRules('${language}');\nconst p = (n: number) => rules.select(n);\n`
    : '';
  const format = body.includes('f(a.')
    ? `const digits = new Intl.NumberFormat('${language}');\nconst f = (v: string | number) => (typeof v === 'number' ? digits.format(v) : v);\n`
    : '';
  write(`${language}.ts`, `import type { Messages } from './types';\n${plural}${format}export const messages: Messages = {\n${body}};\n`);
}
