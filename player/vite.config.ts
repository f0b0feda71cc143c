// Builds of the player by mode: `iife` and `esm` are single files with hls.js inside, `plugin-iife` and
// `plugin-esm` the same without it, for pages that have one; `verifier`, `sound` and `exchange` are what these load late,
// and `package` what npm gets, for bundlers.
// `infra/local/build.ts` and `infra/local/build-player-package.ts` run them.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

interface Output {
  readonly entries: Readonly<Record<string, string>>;
  readonly format: 'iife' | 'es';
  readonly extension: 'js' | 'mjs';
  readonly folder: string;
  /** Whether hls.js is inside. */
  readonly hasHls: boolean;
  /** One file, also with what is imported late: pages link to its name alone. */
  readonly isSingleFile: boolean;
}

const pageFile = { folder: 'dist', isSingleFile: true } as const;
const outputs: Readonly<Record<string, Output>> = {
  iife: {
    ...pageFile,
    entries: { shoal: 'embed.ts' },
    format: 'iife',
    extension: 'js',
    hasHls: true,
  },
  esm: {
    ...pageFile,
    entries: { shoal: 'index.ts' },
    format: 'es',
    extension: 'mjs',
    hasHls: true,
  },
  'plugin-iife': {
    ...pageFile,
    entries: { 'shoal-hls': 'plugin.ts' },
    format: 'iife',
    extension: 'js',
    hasHls: false,
  },
  'plugin-esm': {
    ...pageFile,
    entries: { 'shoal-hls': 'plugin.ts' },
    format: 'es',
    extension: 'mjs',
    hasHls: false,
  },
  verifier: {
    ...pageFile,
    entries: { 'shoal-verify': 'verify.ts' },
    format: 'es',
    extension: 'js',
    hasHls: false,
  },
  sound: {
    ...pageFile,
    entries: { 'shoal-sound': 'sound.ts' },
    format: 'es',
    extension: 'js',
    hasHls: false,
  },
  exchange: {
    ...pageFile,
    entries: { 'shoal-p2p-media-loader': 'p2p-media-loader.ts' },
    format: 'es',
    extension: 'js',
    hasHls: false,
  },
  package: {
    entries: { index: 'index.ts', plugin: 'plugin.ts' },
    format: 'es',
    extension: 'js',
    folder: 'dist/package/dist',
    hasHls: false,
    isSingleFile: false,
  },
};

const hlsPackageFile = createRequire(import.meta.url).resolve('hls.js/package.json');
const hlsVersion: unknown = JSON.parse(readFileSync(hlsPackageFile, 'utf8')).version;
const hlsSource = path.join(path.dirname(hlsPackageFile), 'src');

/**
 * hls.js's own build switches: the embed script has what live streams and captions need. Pages that
 * need DRM, interstitials, CMCD, `capLevelOnFPSDrop`, TTML subtitles, EXT-X-DEFINE, HEVC in MPEG-TS or MediaCapabilities use the plugin with an hls.js of their own.
 */
const hlsSwitches = {
  __USE_ALT_AUDIO__: 'true',
  __USE_SUBTITLES__: 'true',
  __USE_CONTENT_STEERING__: 'true',
  __USE_VARIABLE_SUBSTITUTION__: 'false',
  __USE_M2TS_ADVANCED_CODECS__: 'false',
  __USE_MEDIA_CAPABILITIES__: 'false',
  __USE_IFRAMES__: 'false',
  __USE_CMCD__: 'false',
  __USE_EME_DRM__: 'false',
  __USE_INTERSTITIALS__: 'false',
  __IN_WORKER__: 'false',
  __HLS_WORKER_BUNDLE__: 'undefined',
} as const;

const hlsFromSource = {
  define: { __VERSION__: JSON.stringify(hlsVersion), ...hlsSwitches },
  alias: [
    { find: /^hls\.js$/, replacement: path.join(hlsSource, 'exports-named.ts') },
    // The second lowers the rendition where pictures are dropped, which is off unless a page asks for it.
    { find: /.*\/(cmcd|fps)-controller$/, replacement: path.join(hlsSource, 'empty.js') },
  ],
};

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** Parts of dependencies that a viewer's browser has no use for, or has itself. */
const standIns = [
  { find: /^debug$/, replacement: here('./stand-ins/debug.ts') },
  { find: /^err-code$/, replacement: here('./stand-ins/err-code.ts') },
  { find: /^events$/, replacement: here('./stand-ins/events.ts') },
  { find: /^text-decoder$/, replacement: here('./stand-ins/text-decoder.ts') },
  { find: /^.*\/imsc1-ttml-parser$/, replacement: here('./stand-ins/ttml-parser.ts') },
  {
    // Of p2p-media-loader's core.
    find: /^\..*\/(http-loader|segment-memory-storage)\.js$/,
    replacement: here('./stand-ins/p2p-media-loader-loading.ts'),
  },
];

/** What a page would load late, and almost none needs, is a file of its own beside those that are one. */
const linkedFiles = [
  {
    find: /^\.\/script-verifier\.ts$/,
    replacement: here('./delivery/verification/linked-script-verifier.ts'),
  },
  {
    find: /^.*\/load-sound-joiner\.ts$/,
    replacement: here('./delivery/joined-sound/linked-sound-joiner.ts'),
  },
  {
    find: /^.*\/load-p2p-media-loader\.ts$/,
    replacement: here('./delivery/exchange/linked-p2p-media-loader.ts'),
  },
];

/** The hls.js inside the embed script plays sound by itself. */
const noJoinedSound = {
  find: /^.*\/joined-sound\.ts$/,
  replacement: here('./delivery/hls/no-joined-sound.ts'),
};

/** Lines of the tracker client that log and do nothing else: time for each of its messages. */
const withoutLogLines: Plugin = {
  name: 'without-log-lines',
  enforce: 'pre',
  transform: (code, id) =>
    /\/node_modules\/(?:bittorrent-tracker|@thaunknown)\//.test(id)
      ? { code: code.replaceAll(/^ *(?:this\._)?debug\(.*\)$/gm, ''), map: null }
      : null,
};

/**
 * SHA-512, of which Ed25519 in script has need, lies in one module with SHA-256, and a module is in one
 * chunk: without a copy of its own every page would load it.
 */
const sha512ForFew: Plugin = {
  name: 'sha512-for-few',
  enforce: 'pre',
  async resolveId(source, importer, options) {
    if (source !== '@noble/hashes/sha2.js' || !importer?.endsWith('/script-verifier.ts'))
      return null;
    const found = await this.resolve(source, importer, { ...options, skipSelf: true });
    return found && `${found.id}?sha512`;
  },
};

export default defineConfig(({ mode }) => {
  const output = outputs[mode];
  if (output === undefined) throw new RangeError(`the player has no build named ${mode}`);
  const root = fileURLToPath(new URL('.', import.meta.url));
  const { entries, extension, isSingleFile } = output;
  return {
    root,
    publicDir: false,
    plugins: [withoutLogLines, sha512ForFew],
    // Dependencies written for Node ask for these; a browser has neither.
    define: {
      'process.env.NODE_ENV': '"production"',
      'process.browser': 'true',
      global: 'globalThis',
      ...(output.hasHls ? hlsFromSource.define : {}),
      // A classic script asks the document where it came from.
      ...(output.format === 'iife' ? { 'import.meta.url': '""' } : {}),
    },
    resolve: {
      alias: [
        ...standIns,
        ...(output.hasHls ? hlsFromSource.alias : []),
        ...(mode === 'iife' ? [noJoinedSound] : []),
        ...(isSingleFile && mode !== 'verifier' ? linkedFiles : []),
      ],
    },
    build: {
      target: 'es2022',
      outDir: output.folder,
      // Several builds share a folder.
      emptyOutDir: false,
      sourcemap: true,
      lib: {
        entry: Object.fromEntries(
          Object.entries(entries).map(([name, file]) => [name, `${root}${file}`]),
        ),
        formats: [output.format],
        name: 'Shoal',
        fileName: (_format, entryName) => `${entryName}.${extension}`,
      },
      rolldownOptions: {
        external: output.hasHls ? [] : ['hls.js'],
        output: {
          chunkFileNames: 'chunks/[name]-[hash].js',
          // Library mode keeps the white space of ES modules; pages load these as they are.
          minify: { compress: true, mangle: true, codegen: { removeWhitespace: true } },
          codeSplitting: !isSingleFile,
        },
      },
    },
  };
});
