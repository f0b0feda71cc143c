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

/** What a page would load late, and almost none needs, is a file of its own beside those that are one. */
const linkedScriptVerifier = {
  find: /^\.\/script-verifier\.ts$/,
  replacement: fileURLToPath(
    new URL('./delivery/verification/linked-script-verifier.ts', import.meta.url),
  ),
};

const linkedSoundJoiner = {
  find: /^.*\/load-sound-joiner\.ts$/,
  replacement: fileURLToPath(
    new URL('./delivery/joined-sound/linked-sound-joiner.ts', import.meta.url),
  ),
};

const linkedP2pMediaLoader = {
  find: /^.*\/load-p2p-media-loader\.ts$/,
  replacement: fileURLToPath(
    new URL('./delivery/exchange/linked-p2p-media-loader.ts', import.meta.url),
  ),
};

/** The hls.js inside the embed script plays sound by itself. */
const noJoinedSound = {
  find: /^.*\/joined-sound\.ts$/,
  replacement: fileURLToPath(new URL('./delivery/hls/no-joined-sound.ts', import.meta.url)),
};

/**
 * The tracker client and p2p-media-loader log through `debug`, which nobody sees in a viewer's
 * browser: 4 kB of gzip for nothing, and time for each of their messages. The client's lines that do
 * nothing else are left out.
 */
const silentDebug: Plugin = {
  name: 'silent-debug',
  enforce: 'pre',
  resolveId: (source) => (source === 'debug' ? '\0silent-debug' : null),
  load: (id) =>
    id === '\0silent-debug'
      ? 'const silent = Object.assign(() => {}, { enabled: false });' +
        'export const debug = () => silent; export default debug;'
      : null,
  transform: (code, id) =>
    /\/node_modules\/(?:bittorrent-tracker|@thaunknown)\//.test(id)
      ? { code: code.replaceAll(/^ *(?:this\._)?debug\(.*\)$/gm, ''), map: null }
      : null,
};

/**
 * Streams of the tracker client can turn bytes into text, which nothing here asks for: the browser's
 * own decoder does for it, without the decoder that streamx brings along.
 */
const nativeTextDecoder: Plugin = {
  name: 'native-text-decoder',
  enforce: 'pre',
  resolveId: (source) => (source === 'text-decoder' ? '\0native-text-decoder' : null),
  load: (id) =>
    id === '\0native-text-decoder'
      ? 'module.exports = class {' +
        'constructor(encoding) { this.decoder = new TextDecoder(encoding); }' +
        'push(bytes) { return this.decoder.decode(bytes, { stream: true }); }' +
        'flush() { return this.decoder.decode(); }' +
        '};'
      : null,
};

/**
 * The tracker client and its streams ask of `events` what is here: listeners that are called in turn,
 * which the streams hear of, and an error that nobody listens to thrown. 1.5 kB of gzip less than all that Node's class can do.
 */
const fewEvents: Plugin = {
  name: 'few-events',
  enforce: 'pre',
  resolveId: (source) => (source === 'events' ? '\0few-events' : null),
  load: (id) =>
    id === '\0few-events'
      ? 'class EventEmitter {' +
        'on(name, listener) {' +
        ' this.emit("newListener", name, listener);' +
        ' const lists = (this._listeners ??= new Map());' +
        ' lists.set(name, [...(lists.get(name) ?? []), listener]); return this; }' +
        'once(name, listener) {' +
        ' const first = (...values) => { this.off(name, first); listener.apply(this, values); };' +
        ' first.listener = listener; return this.on(name, first); }' +
        'off(name, listener) {' +
        ' const list = this._listeners?.get(name) ?? [];' +
        ' this._listeners?.set(name,' +
        ' list.filter((each) => each !== listener && each.listener !== listener)); return this; }' +
        'removeListener(name, listener) { return this.off(name, listener); }' +
        'emit(name, ...values) {' +
        ' const list = this._listeners?.get(name) ?? [];' +
        ' if (name === "error" && list.length === 0) throw values[0];' +
        ' for (const listener of list) listener.apply(this, values);' +
        ' return list.length > 0; }' +
        '}' +
        'module.exports = EventEmitter; EventEmitter.EventEmitter = EventEmitter;'
      : null,
};

/** Subtitles are WebVTT and CEA-608 here; hls.js reports those in TTML as it does broken ones. */
const withoutTtml: Plugin = {
  name: 'without-ttml',
  enforce: 'pre',
  resolveId: (source) => (source.endsWith('/imsc1-ttml-parser') ? '\0without-ttml' : null),
  load: (id) =>
    id === '\0without-ttml'
      ? 'export const IMSC1_CODEC = "stpp.ttml.im1t";' +
        'export const parseIMSC1 = (payload, start, onCues, onError) =>' +
        ' onError(new Error("TTML subtitles are not in this build."));'
      : null,
};

/**
 * p2p-media-loader's core is given no HTTP downloads and a storage of ours (delivery/exchange): what it
 * would load and keep with by itself is never made.
 */
const withoutLoadersOfP2pMediaLoader: Plugin = {
  name: 'without-loaders-of-p2p-media-loader',
  enforce: 'pre',
  resolveId: (source, importer) =>
    importer?.includes('p2p-media-loader-core') &&
    /\/(http-loader|segment-memory-storage)\.js$/.test(source)
      ? '\0without-loaders'
      : null,
  load: (id) =>
    id === '\0without-loaders'
      ? 'class Missing { constructor() { throw new Error("This is not in this build."); } }' +
        'export { Missing as HttpRequestExecutor, Missing as SegmentMemoryStorage };'
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
    plugins: [
      silentDebug,
      nativeTextDecoder,
      fewEvents,
      withoutTtml,
      withoutLoadersOfP2pMediaLoader,
      sha512ForFew,
    ],
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
        ...(output.hasHls ? hlsFromSource.alias : []),
        ...(mode === 'iife' ? [noJoinedSound] : []),
        ...(isSingleFile && mode !== 'verifier'
          ? [linkedScriptVerifier, linkedSoundJoiner, linkedP2pMediaLoader]
          : []),
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
