// npm run bench [name …] [-- --case 'N=12']: takes the named benchmarks, or all, and writes their
// results; with `--case` only the rows that begin so. Speed is measured here, tests assert none.

import { parseArgs } from 'node:util';
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
  Record<string, (caseNames: readonly string[], schemes: readonly string[]) => Promise<BenchReport>>
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
const unknown = names.filter((name) => !(name in benchmarks));
if (unknown.length > 0) {
  console.error(
    `no benchmark ${unknown.join(', ')}; there are: ${Object.keys(benchmarks).join(', ')}`,
  );
  process.exit(2);
}
for (const [name, run] of Object.entries(benchmarks)) {
  if (names.length > 0 && !names.includes(name)) continue;
  console.log(`bench ${name}`);
  const isPart = values.case !== undefined || values.scheme !== undefined;
  await writeReport(await run(values.case ?? [], values.scheme ?? []), isPart);
}
process.exit(0);
