import { defineConfig } from 'vite';

// The page behind links that are handed on: small, and without anything of the messenger's.
export default defineConfig({
  base: '/w/',
  publicDir: false,
  build: {
    target: 'safari16.4',
    outDir: 'dist',
    emptyOutDir: false,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: 'link.html' },
  },
});
