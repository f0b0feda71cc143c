// npm run bench [name …] [-- --case 'N=12']: takes the named benchmarks, or all, and writes their
// results; with `--case` only the rows that begin so. Speed is measured here, tests assert none.

import { parseArgs } from 'node:util';
import { ensureSystemPackages, SystemPackageError } from '../../infra/local/system-packages.ts';
import { type BenchmarkName, packagesOf } from './bench-packages.ts';
import { type BenchReport, writeReport } from './bench-report.ts';
import { benchChromium } from './chromium-bench.ts';
import { benchDelivery } from './delivery-bench.ts';
import { benchIngest } from './ingest-bench.ts';
import { benchSoak } from './ingest-soak-bench.ts';
import { benchPlayer } from './player-bench.ts';
import { benchRecording } from './recording-bench.ts';
import { benchSim } from './sim-bench.ts';
import { benchStartup } from './startup-bench.ts';
import { benchSwarm } from './swarm-bench.ts';
import { benchTelemetry } from './telemetry-bench.ts';
import { benchTracker } from './tracker-bench.ts';

const benchmarks: Readonly<
  Record<
    BenchmarkName,
    (caseNames: readonly string[], schemes: readonly string[]) => Promise<BenchReport>
  >
> = {
  delivery: benchDelivery,
  player: benchPlayer,
  swarm: benchSwarm,
  sim: benchSim,
  chromium: benchChromium,
  startup: benchStartup,
  recording: benchRecording,
  tracker: benchTracker,
  telemetry: benchTelemetry,
  ingest: benchIngest,
  soak: benchSoak,
};

const { values, positionals: names } = parseArgs({
  allowPositionals: true,
  options: {
    case: { type: 'string', multiple: true },
    scheme: { type: 'string', multiple: true },
  },
});
const isBenchmark = (name: string): name is BenchmarkName => Object.hasOwn(benchmarks, name);
const unknown = names.filter((name) => !isBenchmark(name));
if (unknown.length > 0) {
  console.error(
    `no benchmark ${unknown.join(', ')}; there are: ${Object.keys(benchmarks).join(', ')}`,
  );
  process.exit(2);
}
const chosen = Object.keys(benchmarks)
  .filter(isBenchmark)
  .filter((name) => names.length === 0 || names.includes(name));
try {
  await ensureSystemPackages(packagesOf(chosen, process.env));
} catch (error) {
  if (!(error instanceof SystemPackageError)) throw error;
  console.error(error.message);
  process.exit(1);
}
for (const name of chosen) {
  console.log(`bench ${name}`);
  const isPart = values.case !== undefined || values.scheme !== undefined;
  await writeReport(await benchmarks[name](values.case ?? [], values.scheme ?? []), isPart);
}
process.exit(0);
