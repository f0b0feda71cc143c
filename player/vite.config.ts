// Builds of the player by mode, both with hls.js inside: `iife` makes `shoal.js` for script tags,
// `esm` makes `shoal.mjs` for modules. `infra/local/build.ts` runs them.

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const outputs = {
  iife: { entry: 'embed.ts', format: 'iife', fileName: 'shoal.js' },
  esm: { entry: 'index.ts', format: 'es', fileName: 'shoal.mjs' },
} as const;

export default defineConfig(({ mode }) => {
  const { entry, format, fileName } = mode === 'esm' ? outputs.esm : outputs.iife;
  const root = fileURLToPath(new URL('.', import.meta.url));
  return {
    root,
    publicDir: false,
    // Dependencies written for Node ask for these; a browser has neither.
    define: {
      'process.env.NODE_ENV': '"production"',
      'process.browser': 'true',
      global: 'globalThis',
    },
    build: {
      target: 'es2022',
      outDir: 'dist',
      // Both builds share the folder.
      emptyOutDir: false,
      sourcemap: true,
      lib: { entry: `${root}${entry}`, formats: [format], name: 'Shoal', fileName: () => fileName },
      rolldownOptions: {
        output: {
          // Library mode keeps the white space of ES modules; pages load this one as it is.
          minify: { compress: true, mangle: true, codegen: { removeWhitespace: true } },
          // One file: what is imported late stays inside, as pages link to this name alone.
          codeSplitting: false,
        },
      },
    },
  };
});
