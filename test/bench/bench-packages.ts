// Programs that benchmarks run and npm cannot bring: `main.ts` has them installed before the first
// benchmark begins, so that none ends for want of one after an hour of others.

import {
  browserPackages,
  chromiumPackage,
  ffmpegPackage,
  iproutePackages,
  type SystemPackage,
} from '../../infra/local/system-packages.ts';

/** By benchmark. */
export const programs = {
  delivery: [],
  player: [ffmpegPackage, chromiumPackage],
  swarm: [],
  sim: [],
  chromium: [ffmpegPackage, chromiumPackage, ...iproutePackages],
  startup: [ffmpegPackage, chromiumPackage],
  recording: [ffmpegPackage],
  tracker: [],
  telemetry: [],
  ingest: [ffmpegPackage],
  soak: [ffmpegPackage],
} as const satisfies Readonly<Record<string, readonly SystemPackage[]>>;

export type BenchmarkName = keyof typeof programs;

/** What the benchmarks need together; browsers that the environment names are there already. */
export function packagesOf(
  names: readonly BenchmarkName[],
  environment: NodeJS.ProcessEnv,
): readonly SystemPackage[] {
  const needed = [...new Set(names.flatMap((name): readonly SystemPackage[] => programs[name]))];
  const browsers = browserPackages(environment);
  return needed.filter((each) => each !== chromiumPackage || browsers.includes(each));
}
