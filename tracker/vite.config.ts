// Builds the dashboard into dist/dashboard, from where the tracker serves it at `/`.

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: at('./dashboard'),
  // Relative, so that the page also works under a path of a proxy.
  base: './',
  build: {
    outDir: at('./dist/dashboard'),
    emptyOutDir: true,
    // Nothing inline: the page's content security policy allows its own files only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
});
