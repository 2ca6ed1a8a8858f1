// Fails the build when the page grows beyond what opens at once: 180 KB of JavaScript and CSS, compressed with Brotli.
import { readdirSync, readFileSync } from 'node:fs';
import { brotliCompressSync } from 'node:zlib';

const LIMIT = 180 * 1024;
const assets = new URL('../dist/assets/', import.meta.url);
let total = 0;
for (const name of readdirSync(assets)) {
  if (/\.(js|css)$/.test(name)) total += brotliCompressSync(readFileSync(new URL(name, assets))).length;
}
console.log(`page: ${(total / 1024).toFixed(1)} KB of ${LIMIT / 1024} KB`);
if (total > LIMIT) process.exit(1);
