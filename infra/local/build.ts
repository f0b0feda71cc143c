// Builds what browsers load: the player, the pages of ingest and the tracker's dashboard. `npm start`
// and `npm test` call it, so what is newer than all its inputs is left alone.

import { existsSync } from 'node:fs';
import { mkdir, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { createLogger, type Logger, build as viteBuild } from 'vite';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface BuildTarget {
  readonly name: string;
  readonly workspace: string;
  readonly mode: string;
  /** Files and folders that the result depends on, relative to the repository. */
  readonly inputs: readonly string[];
}

/** What all builds of the player depend on. */
export const playerInputs = ['player', 'ingest/protocol', 'tracker/protocol', 'package-lock.json'];

const targets: readonly BuildTarget[] = [
  { name: 'player-script', workspace: 'player', mode: 'iife', inputs: playerInputs },
  { name: 'player-module', workspace: 'player', mode: 'esm', inputs: playerInputs },
  { name: 'plugin-script', workspace: 'player', mode: 'plugin-iife', inputs: playerInputs },
  { name: 'player-verifier', workspace: 'player', mode: 'verifier', inputs: playerInputs },
  { name: 'player-exchange', workspace: 'player', mode: 'exchange', inputs: playerInputs },
  { name: 'player-sound', workspace: 'player', mode: 'sound', inputs: playerInputs },
  { name: 'plugin-module', workspace: 'player', mode: 'plugin-esm', inputs: playerInputs },
  {
    name: 'pages',
    workspace: 'ingest',
    mode: 'production',
    inputs: ['ingest/pages', 'ingest/protocol', 'ingest/vite.config.ts', 'package-lock.json'],
  },
  {
    name: 'dashboard',
    workspace: 'tracker',
    mode: 'production',
    inputs: [
      'tracker/dashboard',
      'tracker/protocol',
      'ingest/protocol',
      'tracker/vite.config.ts',
      'package-lock.json',
    ],
  },
];

export interface BuiltFile {
  readonly name: string;
  readonly sizeBytes: number;
  readonly gzipBytes: number;
}

export interface BuildReport {
  readonly target: string;
  /** `skipped`: nothing has changed; `missing`: the workspace has no vite.config.ts. */
  readonly outcome: 'built' | 'skipped' | 'missing';
  readonly files: readonly BuiltFile[];
  readonly durationMs: number;
}

const unseenFolders: ReadonlySet<string> = new Set(['node_modules', 'dist']);

/** Time of the last change in milliseconds, 0 for what does not exist. */
async function newestChangeMs(location: string): Promise<number> {
  if (!existsSync(location)) return 0;
  const info = await stat(location);
  if (!info.isDirectory()) return info.mtimeMs;
  const entries = await readdir(location, { withFileTypes: true });
  const changes = entries
    .filter((entry) => !unseenFolders.has(entry.name))
    .map((entry) => newestChangeMs(path.join(location, entry.name)));
  return Math.max(0, ...(await Promise.all(changes)));
}

/** Inside `dist`, so that removing the results removes the memory of them. */
function stampFile(target: BuildTarget): string {
  return path.join(root, target.workspace, 'dist', `.${target.name}.stamp`);
}

async function isFresh(target: BuildTarget): Promise<boolean> {
  const stamp = stampFile(target);
  if (!existsSync(stamp)) return false;
  const { mtimeMs } = await stat(stamp);
  const changes = target.inputs.map((input) => newestChangeMs(path.join(root, input)));
  return (await Promise.all(changes)).every((changedAtMs) => changedAtMs < mtimeMs);
}

/** A logger that fails the build where a Node module would be empty in the viewer's browser. */
function strictLogger(): { readonly logger: Logger; readonly problems: readonly string[] } {
  const problems: string[] = [];
  const logger = createLogger('warn', { prefix: '[build]' });
  const { warn, warnOnce } = logger;
  const isProblem = (message: string): boolean =>
    message.includes('externalized for browser compatibility');
  logger.warn = (message, options) => {
    if (isProblem(message)) problems.push(message);
    else warn(message, options);
  };
  logger.warnOnce = (message, options) => {
    if (isProblem(message)) problems.push(message);
    else warnOnce(message, options);
  };
  return { logger, problems };
}

type BuildResult = Awaited<ReturnType<typeof viteBuild>>;

function filesOf(result: BuildResult): BuiltFile[] {
  return [result].flat().flatMap((bundle) =>
    'output' in bundle
      ? bundle.output
          .filter((file) => !file.fileName.endsWith('.map'))
          .map((file) => {
            const content = Buffer.from(file.type === 'chunk' ? file.code : file.source);
            return {
              name: file.fileName,
              sizeBytes: content.length,
              gzipBytes: gzipSync(content, { level: 9 }).length,
            };
          })
      : [],
  );
}

/** Steps around a build that belong to its result; left out when the result is fresh. */
export interface BuildSteps {
  before(): Promise<void>;
  after(): Promise<void>;
}

/** @throws when the build fails or would load a Node module in a browser */
export async function buildTarget(
  target: BuildTarget,
  isForced: boolean,
  steps?: BuildSteps,
): Promise<BuildReport> {
  const startedAt = new Date();
  const report = (outcome: BuildReport['outcome'], files: readonly BuiltFile[]): BuildReport => ({
    target: target.name,
    outcome,
    files,
    durationMs: Date.now() - startedAt.getTime(),
  });
  const configFile = path.join(root, target.workspace, 'vite.config.ts');
  if (!existsSync(configFile)) return report('missing', []);
  if (!isForced && (await isFresh(target))) return report('skipped', []);
  await steps?.before();
  const { logger, problems } = strictLogger();
  const result = await viteBuild({
    configFile,
    mode: target.mode,
    logLevel: 'warn',
    customLogger: logger,
    build: { reportCompressedSize: false },
  });
  if (problems.length > 0) throw new Error(`${target.name}: ${problems.join('\n')}`);
  await steps?.after();
  await mkdir(path.dirname(stampFile(target)), { recursive: true });
  await writeFile(stampFile(target), '');
  // The time of the start: what was edited while it was built is built again.
  await utimes(stampFile(target), startedAt, startedAt);
  return report('built', filesOf(result));
}

/**
 * Builds everything that browsers load, side by side.
 * @throws when a build fails or would load a Node module in a browser
 */
export async function buildForBrowsers(options: {
  readonly isForced: boolean;
}): Promise<readonly BuildReport[]> {
  return await Promise.all(targets.map((target) => buildTarget(target, options.isForced)));
}
