// npm run bench [name …]: takes the named benchmarks, or all, and writes their results. Speed is
// measured here and nowhere else; tests assert none.

import { type BenchReport, writeReport } from './bench-report.ts';
import { benchDelivery } from './delivery-bench.ts';
import { benchSwarm } from './swarm-bench.ts';
import { benchTelemetry } from './telemetry-bench.ts';
import { benchTracker } from './tracker-bench.ts';

const benchmarks: Readonly<Record<string, () => Promise<BenchReport>>> = {
  delivery: benchDelivery,
  swarm: benchSwarm,
  tracker: benchTracker,
  telemetry: benchTelemetry,
};

const names = process.argv.slice(2);
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
  await writeReport(await run());
}
process.exit(0);
