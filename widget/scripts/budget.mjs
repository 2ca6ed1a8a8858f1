#!/usr/bin/env node
// Measures what a visitor downloads, compressed as a server would send it, and fails when it is too much.
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants } from 'node:zlib';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const size = (path) =>
  brotliCompressSync(readFileSync(dist + path), { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length;

const assets = readdirSync(`${dist}assets`).map((name) => `assets/${name}`);
const languages = assets.filter((path) => /\/(en|es|ru)-[^/]+\.js$/.test(path));
const link = assets.filter((path) => /\/link-[^/]+\.(js|css)$/.test(path));
const panel = assets.filter((path) => /\.(js|css)$/.test(path) && !languages.includes(path) && !link.includes(path));
// A visitor downloads one language; the largest counts.
const panelSize = panel.reduce((sum, path) => sum + size(path), 0) + Math.max(...languages.map(size));

const rows = [
  ['loader', size('loader.js'), 6 * 1024],
  ['panel with one language', panelSize, 40 * 1024],
  ['page behind links', link.reduce((sum, path) => sum + size(path), 0), 6 * 1024],
];
let exceeded = languages.length !== 3;
if (exceeded) console.error(`budget: 3 language files expected, found ${languages.length}`);
for (const [name, bytes, limit] of rows) {
  console.log(`${name}: ${(bytes / 1024).toFixed(1)} KB of ${limit / 1024} KB, brotli`);
  if (bytes > limit) {
    console.error(`budget: ${name} is too large`);
    exceeded = true;
  }
}
if (/\bimport\s*[({"']/.test(readFileSync(`${dist}loader.js`, 'utf8'))) {
  console.error('budget: the loader must be one script without imports');
  exceeded = true;
}
const planted = readFileSync(new URL('../src/panel/planted.d.ts', import.meta.url), 'utf8');
const bugs = [...planted.matchAll(/^ {2}\| '(\w+)'/gm)].map(([, name]) => name);
const scripts = ['loader.js', ...assets.filter((path) => path.endsWith('.js'))];
const held = scripts.filter((path) => bugs.some((bug) => readFileSync(dist + path, 'utf8').includes(bug)));
if (bugs.length === 0 || held.length > 0) {
  console.error(`budget: bugs that tests plant are in what visitors download: ${held.join(', ')}`);
  exceeded = true;
}
process.exit(exceeded ? 1 : 0);
