// Builds ingest's pages into `dist/pages`, their scripts and styles under `/assets/`. The server
// puts each page's settings in place of the comment `shoal-config` in its head.

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const root = fileURLToPath(new URL('pages', import.meta.url));

export default defineConfig({
  root,
  base: '/',
  publicDir: false,
  build: {
    target: 'es2022',
    outDir: '../dist/pages',
    emptyOutDir: true,
    // A page's policy can then forbid inline code and `data:` images.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: ['index', 'watch', 'embed'].map((page) => `${root}/${page}.html`),
    },
  },
});
