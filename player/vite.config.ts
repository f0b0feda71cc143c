// Builds of the player by mode, both with hls.js inside: `iife` makes `shoal.js` for script tags,
// `esm` makes `shoal.mjs` for modules. `infra/local/build.ts` runs them.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const outputs = {
  iife: { entry: 'embed.ts', format: 'iife', fileName: 'shoal.js' },
  esm: { entry: 'index.ts', format: 'es', fileName: 'shoal.mjs' },
} as const;

const hlsPackageFile = createRequire(import.meta.url).resolve('hls.js/package.json');
const hlsVersion: unknown = JSON.parse(readFileSync(hlsPackageFile, 'utf8')).version;
const hlsSource = path.join(path.dirname(hlsPackageFile), 'src');

/**
 * hls.js's own build switches: the embed script has what live streams and captions need. Pages that
 * need DRM, interstitials or CMCD use the plugin with an hls.js of their own.
 */
const hlsSwitches = {
  __USE_ALT_AUDIO__: 'true',
  __USE_SUBTITLES__: 'true',
  __USE_CONTENT_STEERING__: 'true',
  __USE_VARIABLE_SUBSTITUTION__: 'true',
  __USE_M2TS_ADVANCED_CODECS__: 'true',
  __USE_MEDIA_CAPABILITIES__: 'true',
  __USE_IFRAMES__: 'false',
  __USE_CMCD__: 'false',
  __USE_EME_DRM__: 'false',
  __USE_INTERSTITIALS__: 'false',
  __IN_WORKER__: 'false',
  __HLS_WORKER_BUNDLE__: 'undefined',
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
      __VERSION__: JSON.stringify(hlsVersion),
      ...hlsSwitches,
    },
    resolve: {
      alias: [
        { find: /^hls\.js$/, replacement: path.join(hlsSource, 'exports-named.ts') },
        { find: /.*\/cmcd-controller$/, replacement: path.join(hlsSource, 'empty.js') },
      ],
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
