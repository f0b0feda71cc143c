// In which steps of time telemetry is kept and shown: fine for a day, coarse for years. Stores
// write every resolution at once, the savings summary picks the interval of its series.

/** Length of the finest bucket. Beacons come every 5 s, so each viewer is in every bucket. */
export const bucketMs = 10_000;

const secondMs = 1_000;
const dayMs = 24 * 3_600 * secondMs;

export interface Resolution {
  readonly stepMs: number;
  readonly keptMs: number;
}

/** Finest first; each step is a multiple of the one before. */
export const resolutions: readonly Resolution[] = [
  { stepMs: bucketMs, keptMs: dayMs },
  { stepMs: 60 * secondMs, keptMs: 32 * dayMs },
  { stepMs: 3_600 * secondMs, keptMs: 5 * 366 * dayMs },
];

/**
 * Steps in which it is kept who was there, as sketches: the finest bucket counts its viewers exactly
 * without one.
 */
export const reachSteps: readonly number[] = resolutions.slice(1).map(({ stepMs }) => stepMs);

/** Windows up to this long are read in the finer of these steps. */
const fineReachMs = 2 * 3_600 * secondMs;

/** The step in which the reach of a window is read, and the window in whole steps. */
export function reachSpan(
  fromMs: number,
  toMs: number,
): {
  readonly stepMs: number;
  readonly fromMs: number;
  readonly toMs: number;
} {
  const [fine = bucketMs, coarse = fine] = reachSteps;
  const stepMs = toMs - fromMs <= fineReachMs ? fine : coarse;
  return { stepMs, fromMs: floorTo(fromMs, stepMs), toMs: floorTo(toMs - 1, stepMs) + stepMs };
}

/** Most intervals in a series, the partial ones at both ends aside. */
const maxIntervals = 360;
const intervalsSeconds = [10, 60, 120, 300, 600, 1_800, 3_600, 7_200];

export function floorTo(timeMs: number, stepMs: number): number {
  return Math.floor(timeMs / stepMs) * stepMs;
}

/** The interval in seconds for a chart of `windowSeconds`: 10 s up to an hour, coarser above. */
export function chooseIntervalSeconds(windowSeconds: number): number {
  const fits = intervalsSeconds.find((interval) => windowSeconds / interval <= maxIntervals);
  return fits ?? Math.ceil(windowSeconds / maxIntervals / 3_600) * 3_600;
}

/** The finest step that is still kept of what happened `ageMs` ago. */
export function finestKeptStepMs(ageMs: number): number {
  const kept = resolutions.find(({ keptMs }) => ageMs < keptMs) ?? resolutions.at(-1);
  return kept?.stepMs ?? bucketMs;
}

/** The coarsest stored step that divides `intervalMs`. */
export function stepForInterval(intervalMs: number): number {
  const steps = resolutions.map(({ stepMs }) => stepMs);
  return steps.findLast((stepMs) => intervalMs % stepMs === 0) ?? bucketMs;
}
