// npm run build: puts together what npm gets as `@shoal/player`, in `player/dist/package`. Code comes
// from vite, types from the compiler, the manifest from the workspace's own package.json.

import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type BuildReport, buildForBrowsers, buildTarget, playerInputs } from './build.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const playerFolder = path.join(root, 'player');
const declarationsFolder = path.join(root, '.types/player');

/** What `npm pack` and `npm publish` are given. */
export const packageFolder = path.join(playerFolder, 'dist/package');

const target = {
  name: 'player-package',
  workspace: 'player',
  mode: 'package',
  inputs: [...playerInputs, 'infra/local', 'LICENSE', 'docs/player-api.md'],
} as const;

const scripts = [
  'shoal.js',
  'shoal-hls.js',
  'shoal-verify.js',
  'shoal-sound.js',
  'shoal-p2p-media-loader.js',
] as const;

const moduleExport = (name: string): Readonly<Record<string, string>> => ({
  types: `./dist/types/${name}.d.ts`,
  default: `./dist/${name}.js`,
});

/** @param workspace the player's package.json as it is in the repository, where sources are exported */
function manifestOf(workspace: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { name, version, description, license } = workspace;
  return {
    name,
    version,
    description,
    license,
    keywords: ['hls', 'hls.js', 'webrtc', 'p2p', 'live', 'video', 'player'],
    type: 'module',
    sideEffects: scripts.map((script) => `./dist/${script}`),
    exports: {
      '.': moduleExport('index'),
      './plugin': moduleExport('plugin'),
      ...Object.fromEntries(scripts.map((script) => [`./${script}`, `./dist/${script}`])),
      './package.json': './package.json',
    },
    unpkg: './dist/shoal.js',
    jsdelivr: './dist/shoal.js',
    files: ['dist'],
    // Everything else is inside: a site's bundler would need settings for what was written for Node.
    peerDependencies: { 'hls.js': '>=1.6.0 <2' },
  };
}

/** The declarations that the entry points lead to, with paths that every compiler resolves. */
async function copyDeclarations(entries: readonly string[]): Promise<void> {
  await promisify(execFile)(
    process.execPath,
    [path.join(root, 'node_modules/typescript/bin/tsc'), '--build', 'player'],
    { cwd: root },
  );
  const queue = [...entries];
  const seen = new Set(queue);
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    const text = await readFile(path.join(declarationsFolder, file), 'utf8');
    for (const [, specifier = ''] of text.matchAll(/from '(\.[^']+)\.ts'/g)) {
      const next = `${path.posix.join(path.posix.dirname(file), specifier)}.d.ts`;
      if (!seen.has(next)) queue.push(next);
      seen.add(next);
    }
    const copy = path.join(packageFolder, 'dist/types', file);
    await mkdir(path.dirname(copy), { recursive: true });
    await writeFile(copy, text.replaceAll(/from '(\.[^']+)\.ts'/g, "from '$1.js'"));
  }
}

async function copyDocuments(): Promise<void> {
  await cp(path.join(root, 'LICENSE'), path.join(packageFolder, 'LICENSE'));
  // Its links lead to other documents of the repository, which the package does not have.
  const documentation = await readFile(path.join(root, 'docs/player-api.md'), 'utf8');
  const text = documentation.replaceAll(/\[([^\]]+)\]\((?!https?:)[^)]*\)/g, '$1');
  await writeFile(path.join(packageFolder, 'README.md'), text);
}

/**
 * Builds the package beside what browsers load.
 * @throws when a build fails or the types do not compile
 */
export async function buildPlayerPackage(options: {
  readonly isForced: boolean;
}): Promise<readonly BuildReport[]> {
  const browserReports = await buildForBrowsers(options);
  const report = await buildTarget(target, options.isForced, {
    before: () => rm(packageFolder, { recursive: true, force: true }),
    after: async () => {
      await copyDeclarations(['index.d.ts', 'plugin.d.ts']);
      for (const script of scripts) {
        for (const file of [script, `${script}.map`]) {
          await cp(path.join(playerFolder, 'dist', file), path.join(packageFolder, 'dist', file));
        }
      }
      await copyDocuments();
      const workspace = JSON.parse(await readFile(path.join(playerFolder, 'package.json'), 'utf8'));
      const manifest = JSON.stringify(manifestOf(workspace), null, 2);
      await writeFile(path.join(packageFolder, 'package.json'), `${manifest}\n`);
    },
  });
  return [...browserReports, report];
}
