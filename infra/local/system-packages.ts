// Programs that npm cannot bring: installs what is missing through apt when it may, else says
// what to install. `npm test` and `npm run bench` need most of them; `npm start` only an ffmpeg when none works.

import { spawn } from 'node:child_process';
import { access, constants, readdir } from 'node:fs/promises';
import path from 'node:path';

/** A command on the PATH and the packages that bring it. */
export interface SystemPackage {
  readonly command: string;
  /** Package of Debian and Ubuntu. */
  readonly apt: string;
  /** Package of Fedora. */
  readonly dnf: string;
  /** Formula or cask of Homebrew, with its flags. */
  readonly brew: string;
}

export const ffmpegPackage: SystemPackage = {
  command: 'ffmpeg',
  apt: 'ffmpeg',
  dnf: 'ffmpeg-free',
  brew: 'ffmpeg',
};

export const ffprobePackage: SystemPackage = { ...ffmpegPackage, command: 'ffprobe' };

export const chromiumPackage: SystemPackage = {
  command: 'chromium',
  apt: 'chromium',
  dnf: 'chromium',
  brew: '--cask chromium',
};

export const firefoxPackage: SystemPackage = {
  command: 'firefox-esr',
  apt: 'firefox-esr',
  dnf: 'firefox',
  brew: '--cask firefox',
};

/** A browser that goes by another name, as on macOS, is named by CHROMIUM_PATH or FIREFOX_PATH. */
export function browserPackages(environment: NodeJS.ProcessEnv): readonly SystemPackage[] {
  return [
    ...(environment.CHROMIUM_PATH === undefined ? [chromiumPackage] : []),
    ...(environment.FIREFOX_PATH === undefined ? [firefoxPackage] : []),
  ];
}

export const postgresPackage: SystemPackage = {
  command: 'postgres',
  apt: 'postgresql',
  dnf: 'postgresql-server',
  brew: 'postgresql',
};

export const promtoolPackage: SystemPackage = {
  command: 'promtool',
  apt: 'prometheus',
  dnf: 'golang-github-prometheus',
  brew: 'prometheus',
};

/** The object store of the tests; Homebrew has none. */
export const swiftPackages: readonly SystemPackage[] = [
  ...['account', 'container', 'object', 'proxy'].map((server) => ({
    command: `swift-${server}-server`,
    apt: `swift-${server}`,
    dnf: `openstack-swift-${server}`,
    brew: 'openstack-swift',
  })),
  { command: 'swift-ring-builder', apt: 'swift', dnf: 'openstack-swift', brew: 'openstack-swift' },
  { command: 'memcached', apt: 'memcached', dnf: 'memcached', brew: 'memcached' },
];

export const nginxPackage: SystemPackage = {
  command: 'nginx',
  apt: 'nginx',
  dnf: 'nginx',
  brew: 'nginx',
};

export const varnishPackage: SystemPackage = {
  command: 'varnishd',
  apt: 'varnish',
  dnf: 'varnish',
  brew: 'varnish',
};

export const redisPackage: SystemPackage = {
  command: 'redis-server',
  apt: 'redis-server',
  dnf: 'redis',
  brew: 'redis',
};

export const coturnPackage: SystemPackage = {
  command: 'turnserver',
  apt: 'coturn',
  dnf: 'coturn',
  brew: 'coturn',
};

/** Network namespaces and their shaping; only Linux has them. */
export const iproutePackages: readonly SystemPackage[] = [
  { command: 'ip', apt: 'iproute2', dnf: 'iproute', brew: 'iproute2mac' },
  { command: 'tc', apt: 'iproute2', dnf: 'iproute-tc', brew: 'iproute2mac' },
];

/** A WHIP client that is not ours; only Debian and Ubuntu have it. */
export const whipClientPackage: SystemPackage = {
  command: 'whip-client',
  apt: 'simple-whip-client',
  dnf: 'simple-whip-client',
  brew: 'simple-whip-client',
};

/** What `npm start -- --production-like` runs. */
export const productionLikePackages: readonly SystemPackage[] = [
  ...[nginxPackage, postgresPackage, redisPackage, coturnPackage],
  ...[{ ...promtoolPackage, command: 'prometheus' }, ...swiftPackages],
];

/** Debian keeps PostgreSQL's server programs off the PATH, in a directory per version. */
const debianPostgresRoot = '/usr/lib/postgresql';

const aptTimeoutMs = 10 * 60_000;

/** Something is missing that only the user can install; the message says how. */
export class SystemPackageError extends Error {
  constructor(missing: readonly SystemPackage[], cause?: unknown) {
    const names = (manager: 'apt' | 'dnf'): string =>
      [...new Set(missing.map((entry) => entry[manager]))].join(' ');
    super(
      [
        `Not installed: ${missing.map(({ command }) => command).join(', ')}. Install with`,
        `  Debian, Ubuntu   sudo apt-get install -y --no-install-recommends ${names('apt')}`,
        `  Fedora           sudo dnf install -y ${names('dnf')}`,
        `  macOS            ${brewCommands(missing)}`,
      ].join('\n'),
      { cause },
    );
    this.name = 'SystemPackageError';
  }
}

/** The commands of `packages` that are neither on the PATH nor where Debian keeps PostgreSQL. */
export async function missingPackages(
  packages: readonly SystemPackage[],
  searchPath?: string,
): Promise<readonly SystemPackage[]> {
  const directories = searchPath ?? (await systemSearchPath());
  const found = await Promise.all(packages.map(({ command }) => isOnPath(command, directories)));
  return packages.filter((_, index) => !found[index]);
}

/**
 * Makes sure that every command is there.
 * @throws SystemPackageError that says what to install, unless root and apt could do it
 */
export async function ensureSystemPackages(packages: readonly SystemPackage[]): Promise<void> {
  const missing = await missingPackages(packages);
  if (missing.length === 0) return;
  const isRoot = process.getuid?.() === 0;
  if (!isRoot || !(await isOnPath('apt-get', process.env.PATH ?? ''))) {
    throw new SystemPackageError(missing);
  }
  const names = [...new Set(missing.map(({ apt }) => apt))];
  console.log(`Installing ${names.join(', ')} with apt-get …`);
  try {
    await aptGet(['update', '-qq']);
    await aptGet(['install', '-y', '-qq', '--no-install-recommends', ...names]);
  } catch (error) {
    throw new SystemPackageError(missing, error);
  }
  const stillMissing = await missingPackages(packages);
  if (stillMissing.length > 0) throw new SystemPackageError(stillMissing);
}

/** Brings what tests can do without, where they are skipped then; says so when it cannot. */
export async function tryOptionalPackages(packages: readonly SystemPackage[]): Promise<void> {
  try {
    await ensureSystemPackages(packages);
  } catch (error) {
    if (!(error instanceof SystemPackageError)) throw error;
    const names = packages.map(({ command }) => command).join(', ');
    console.log(`Tests with ${names} are skipped, since it cannot be installed here.`);
  }
}

/** Formulas and casks cannot share one command. */
function brewCommands(missing: readonly SystemPackage[]): string {
  const names = [...new Set(missing.map(({ brew }) => brew))];
  return names.map((name) => `brew install ${name}`).join(' && ');
}

async function systemSearchPath(): Promise<string> {
  // Without PostgreSQL there is no such directory.
  const versions = await readdir(debianPostgresRoot).catch(() => []);
  const directories = versions.map((version) => path.join(debianPostgresRoot, version, 'bin'));
  // Debian's servers are in sbin, which is not on everybody's PATH.
  return [process.env.PATH ?? '', '/usr/sbin', ...directories].join(path.delimiter);
}

async function isOnPath(command: string, searchPath: string): Promise<boolean> {
  for (const directory of searchPath.split(path.delimiter)) {
    if (directory === '') continue;
    try {
      await access(path.join(directory, command), constants.X_OK);
      return true;
    } catch {
      // Not in this directory; the next may have it.
    }
  }
  return false;
}

/** Runs apt-get without questions. @throws Error with the end of its output */
function aptGet(argumentList: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('apt-get', argumentList, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      timeout: aptTimeoutMs,
    });
    let outputTail = '';
    const collect = (chunk: Buffer): void => {
      outputTail = (outputTail + chunk.toString()).slice(-2_000);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.once('error', reject);
    child.once('close', (exitCode) => {
      if (exitCode === 0) resolve();
      else reject(new Error(`apt-get ${argumentList.join(' ')} failed:\n${outputTail}`));
    });
  });
}
