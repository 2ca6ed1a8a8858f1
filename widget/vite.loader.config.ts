import { defineConfig } from 'vite';

// One classic script without imports, so that a shop's page needs one line and no module support.
export default defineConfig({
  publicDir: false,
  build: {
    target: 'safari16.4',
    outDir: 'dist',
    emptyOutDir: false,
    lib: { entry: 'src/loader/main.ts', formats: ['iife'], name: 'deskbellLoader', fileName: () => 'loader.js' },
  },
});
