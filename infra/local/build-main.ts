// npm run build: everything that is built, with the sizes. `--force` builds also what is up to date.

import type { BuildReport } from './build.ts';
import { buildPlayerPackage } from './build-player-package.ts';

function kilobytes(sizeBytes: number): string {
  return `${(sizeBytes / 1000).toFixed(1).padStart(7)} kB`;
}

function printReport({ target, outcome, files, durationMs }: BuildReport): void {
  const explanations = {
    built: `built in ${(durationMs / 1000).toFixed(1)} s`,
    skipped: 'up to date',
    missing: 'left out: no vite.config.ts',
  } as const;
  console.log(`${target.padEnd(14)} ${explanations[outcome]}`);
  for (const { name, sizeBytes, gzipBytes } of files) {
    console.log(`  ${name.padEnd(36)} ${kilobytes(sizeBytes)}  gzip ${kilobytes(gzipBytes)}`);
  }
}

const reports = await buildPlayerPackage({ isForced: process.argv.includes('--force') });
for (const report of reports) printReport(report);
