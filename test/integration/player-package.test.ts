// The npm package `@shoal/player` as a site gets it: what is in it, how large it is, and that a project
// which installs the tarball can import, compile and bundle it.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { publint } from 'publint';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPlayerPackage, packageFolder } from '../../infra/local/build-player-package.ts';
import { ConsumerProject, type PackedPackage, packPackage } from '../support/consumer-project.ts';

/** Budgets in bytes after gzip; a page's visitors pay them. */
const budgetBytes = { pluginLive: 60_000, pluginScript: 60_000, embed: 260_000 };

const page = `
import Hls from 'hls.js';
import {
  createShoalHls, defineShoalPlayer, makeShoalHlsClass,
  type PlayerStats, type ShoalHls, ShoalPlayer,
} from '@shoal/player';
import { createShoalHls as fromPlugin } from '@shoal/player/plugin';

const hls: ShoalHls = createShoalHls(Hls, {
  maxBufferLength: 10,
  shoal: { tracker: 'wss://tracker.example', p2p: 'consent', telemetry: 'off' },
});
hls.on(Hls.Events.MANIFEST_PARSED, (_event, { levels }) => console.log(levels.length));
const stop: () => void = hls.shoal.on('shoal-stats', ({ offloadRatio, peerBytes }) => {
  const share: number | null = offloadRatio;
  console.log(share, peerBytes);
});
hls.shoal.on('shoal-delivered', ({ source }) => {
  const kind: 'cdn' | 'peer' = source;
  console.log(kind);
});
const stats: PlayerStats = hls.shoal.stats;
stop();
fromPlugin(Hls).destroy();
const SiteHls: typeof Hls = makeShoalHlsClass(Hls, { tracker: 'wss://tracker.example' });
new SiteHls({ debug: false });
defineShoalPlayer();
const element: ShoalPlayer | null = document.querySelector('shoal-player');
element?.allowPeers(true);
console.log(stats, ShoalPlayer);

// @ts-expect-error the event does not exist
hls.shoal.on('shoal-nothing', () => undefined);
// @ts-expect-error no such mode
createShoalHls(Hls, { shoal: { p2p: 'sometimes' } });
// @ts-expect-error statistics are for reading
hls.shoal.stats.peerBytes = 0;
`;

const strict = {
  strict: true,
  exactOptionalPropertyTypes: true,
  target: 'ES2022',
  lib: ['ES2022', 'DOM', 'DOM.Iterable'],
};
const byBundler = { ...strict, module: 'ESNext', moduleResolution: 'Bundler' };

let packFolder: string;
let packed: PackedPackage;
let newest: ConsumerProject;
let older: ConsumerProject;

beforeAll(async () => {
  await buildPlayerPackage({ isForced: false });
  packFolder = await mkdtemp(path.join(tmpdir(), 'shoal-pack-'));
  packed = await packPackage(packageFolder, packFolder);
  newest = await ConsumerProject.create(packed.tarball, 'hls.js');
  older = await ConsumerProject.create(packed.tarball, 'hls.js-1.6');
});

afterAll(async () => {
  await newest?.remove();
  await older?.remove();
  if (packFolder) await rm(packFolder, { recursive: true });
});

async function gzipBytes(...files: readonly string[]): Promise<number> {
  const sizes = files.map(
    async (file) =>
      gzipSync(await readFile(path.join(packageFolder, 'dist', file)), { level: 9 }).length,
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** A module of the package and what it imports, also late. */
async function filesLoadedBy(entry: string): Promise<string[]> {
  const found = new Set([entry]);
  for (const file of found) {
    const text = await readFile(path.join(packageFolder, 'dist', file), 'utf8');
    for (const [, specifier = ''] of text.matchAll(/(?:from|import)\s*\(?[`'"](\.[^`'"]+)/g)) {
      found.add(path.posix.join(path.posix.dirname(file), specifier));
    }
  }
  return [...found];
}

/** The script that a bundler makes for a page, with its late parts. */
async function bundle(project: ConsumerProject, code: string): Promise<string> {
  const entry = await project.write('bundled.js', code);
  const output = await build({
    configFile: false,
    root: project.folder,
    logLevel: 'error',
    build: { write: false, minify: false, rolldownOptions: { input: entry } },
  });
  const [first] = [output].flat();
  if (!first || !('output' in first)) throw new Error('nothing was bundled');
  return first.output.map((file) => ('code' in file ? file.code : '')).join('\n');
}

describe('the package @shoal/player', () => {
  it('has exports that every resolver understands', async () => {
    const { messages } = await publint({ pkgDir: packageFolder, strict: true });
    expect(messages).toEqual([]);
  });

  it('packs the build, its types, licence and documentation, and nothing else', async () => {
    const names = packed.fileNames;
    for (const expected of [
      ...['package.json', 'README.md', 'LICENSE', 'dist/index.js', 'dist/plugin.js'],
      ...[
        'dist/shoal.js',
        'dist/shoal-hls.js',
        'dist/shoal-verify.js',
        'dist/shoal-p2p-media-loader.js',
        'dist/shoal-sound.js',
        'dist/types/index.d.ts',
        'dist/types/plugin.d.ts',
      ],
    ]) {
      expect(names).toContain(expected);
    }
    const allowed = /^(?:package\.json|README\.md|LICENSE|dist\/.+\.(?:js|js\.map|d\.ts))$/;
    expect(names.filter((name) => !allowed.test(name))).toEqual([]);
    const readme = await readFile(path.join(packageFolder, 'README.md'), 'utf8');
    expect(readme).toContain('createShoalHls');
    expect(readme).not.toMatch(/\]\((?!https?:)/);
  });

  it('stays within its size budgets', async () => {
    const loaded = await filesLoadedBy('plugin.js');
    // What exchanges whole segments is loaded for recordings only, what joins sound by light builds.
    const live = loaded.filter((name) => !/^chunks\/(?:p2p-media-loader|sound-joiner)-/.test(name));
    expect(live).toHaveLength(loaded.length - 2);
    expect(await gzipBytes(...live)).toBeLessThanOrEqual(budgetBytes.pluginLive);
    expect(await gzipBytes('shoal-hls.js')).toBeLessThanOrEqual(budgetBytes.pluginScript);
    expect(await gzipBytes('shoal.js')).toBeLessThanOrEqual(budgetBytes.embed);
  });

  it('can be imported on a server, where there is no window', async () => {
    const printed = await newest.runInNode(`
      const before = Object.keys(globalThis).length;
      const player = await import('@shoal/player');
      const plugin = await import('@shoal/player/plugin');
      const added = Object.keys(globalThis).length - before;
      console.log(JSON.stringify({
        player: Object.keys(player).sort(), plugin: Object.keys(plugin).sort(),
        hasWindow: typeof window !== 'undefined', added,
      }));`);
    expect(JSON.parse(printed)).toEqual({
      player: [
        ...['ShoalPlayer', 'createShoalHls', 'defineShoalPlayer', 'makeShoalHlsClass'],
        'shoalPlayerTagName',
      ],
      plugin: ['createShoalHls', 'makeShoalHlsClass'],
      hasWindow: false,
      added: 0,
    });
  });

  it.each([
    ['bundlers', byBundler],
    ['Node', { ...strict, module: 'NodeNext', moduleResolution: 'NodeNext' }],
  ])('compiles in a strict project that resolves as %s do', async (_name, options) => {
    await newest.write('page.ts', page);
    expect(await newest.typeErrors(options)).toBe('');
  });

  it('compiles with hls.js 1.6', async () => {
    await older.write('page.ts', page);
    expect(await older.typeErrors(byBundler)).toBe('');
  });

  it('is bundled without settings, and without hls.js where only the plugin is used', async () => {
    const plugin = `import { createShoalHls } from '@shoal/player/plugin'; window.make = createShoalHls;`;
    const alone = await bundle(newest, plugin);
    expect(alone).toContain('shoal-stats');
    expect(alone).not.toContain('hlsManifestLoading');
    expect(alone).not.toMatch(/\bprocess\.(?:env|browser)\b/);
    const whole = await bundle(
      newest,
      `import Hls from 'hls.js'; ${plugin} window.hls = window.make(Hls);`,
    );
    expect(whole).toContain('hlsManifestLoading');
  });
});
