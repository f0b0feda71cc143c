// Serves and bundles the examples with the package as npm gets it: `npm run build`, then
// `npx vite player/examples`. Sites need no settings; the alias stands for an installed package.

import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const root = fileURLToPath(new URL('.', import.meta.url));
const packageFolder = path.join(root, '../dist/package/dist');

export default defineConfig({
  root,
  resolve: {
    alias: [
      { find: '@shoal/player/plugin', replacement: path.join(packageFolder, 'plugin.js') },
      { find: /^@shoal\/player$/, replacement: path.join(packageFolder, 'index.js') },
    ],
  },
  build: {
    rolldownOptions: {
      input: readdirSync(root)
        .filter((name) => name.endsWith('.html'))
        .map((name) => path.join(root, name)),
    },
  },
});
