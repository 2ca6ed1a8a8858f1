import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

// The messenger in its frame. The loader is one classic script and has a build of its own.
export default defineConfig({
  base: '/w/',
  plugins: [svelte()],
  // A bug that `tests/planted.test.ts` wants found. A build has none.
  define: { PLANTED: JSON.stringify(process.env.VITEST ? (process.env.DESKBELL_BUG ?? null) : null) },
  build: {
    target: 'safari16.4',
    outDir: 'dist',
    emptyOutDir: true,
    // A data: address would break the panel's Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: 'panel.html' },
  },
  // Tests mount components, and Svelte does that only in its browser build.
  resolve: process.env.VITEST ? { conditions: ['browser'] } : {},
  // A busy machine is no fault of a test.
  test: { environment: 'happy-dom', include: ['tests/**/*.test.ts'], testTimeout: 30_000 },
});
