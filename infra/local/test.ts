// npm test: brings the programs that the tests need, builds what browsers load, then runs all
// tests; what follows `--` goes to vitest. The last line says how many passed and failed.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildForBrowsers } from './build.ts';
import {
  browserPackages,
  coturnPackage,
  ensureSystemPackages,
  ffmpegPackage,
  ffprobePackage,
  nginxPackage,
  postgresPackage,
  promtoolPackage,
  redisPackage,
  SystemPackageError,
  swiftPackages,
  tryOptionalPackages,
  varnishPackage,
  whipClientPackage,
} from './system-packages.ts';
import { summarizeTests } from './test-summary.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const vitest = path.join(root, 'node_modules/vitest/vitest.mjs');

function runVitest(argumentList: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [vitest, 'run', ...argumentList], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const passOn = (signal: NodeJS.Signals): void => {
      child.kill(signal);
    };
    process.once('SIGINT', passOn).once('SIGTERM', passOn);
    child.once('error', reject);
    child.once('close', (exitCode) => resolve(exitCode ?? 1));
  });
}

async function runTests(): Promise<number> {
  // Homebrew has no Swift: the tests of the bucket run on Linux only.
  const objectStore = process.platform === 'linux' ? swiftPackages : [];
  await ensureSystemPackages([
    ffmpegPackage,
    ffprobePackage,
    postgresPackage,
    promtoolPackage,
    nginxPackage,
    varnishPackage,
    redisPackage,
    coturnPackage,
    ...objectStore,
    ...browserPackages(process.env),
  ]);
  await tryOptionalPackages([whipClientPackage]);
  await buildForBrowsers({ isForced: false });
  const reportFolder = await mkdtemp(path.join(tmpdir(), 'shoal-test-'));
  const reportFile = path.join(reportFolder, 'report.json');
  try {
    const exitCode = await runVitest([
      ...['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`],
      ...process.argv.slice(2),
    ]);
    // Without a report vitest ended before any test, and has said why.
    const summary = existsSync(reportFile)
      ? summarizeTests(await readFile(reportFile, 'utf8'))
      : '0 passed, 1 failed';
    console.log(summary);
    return exitCode;
  } finally {
    await rm(reportFolder, { recursive: true });
  }
}

try {
  process.exitCode = await runTests();
} catch (error) {
  if (!(error instanceof SystemPackageError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
