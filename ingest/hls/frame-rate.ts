// Pure: the FRAME-RATE that a multivariant playlist announces, from what was counted, and the one that
// encoders are told. Capture is jittery; players show and compare the rate, so it is the usual one.

const fractionalRates = [24_000 / 1001, 30_000 / 1001, 60_000 / 1001];
const integerRates = [5, 10, 12, 15, 20, 24, 25, 30, 48, 50, 60];
/** A film at 23.976 or 29.97 is measured well within this; integers are 0.1 % away. */
const fractionalTolerance = 0.0004;
/** One picture more or less in a segment of two seconds. */
const integerTolerance = 0.025;

function nearestOf(rates: readonly number[], measured: number, tolerance: number): number | null {
  const nearest = rates.toSorted((a, b) => Math.abs(a - measured) - Math.abs(b - measured))[0];
  if (nearest === undefined || Math.abs(nearest - measured) > tolerance * nearest) return null;
  return nearest;
}

const usualRates = [5, 10, 15, 20, 24, 25, 30, 48, 50, 60, 90, 120];
/** By how much a few jittery pictures may seem faster than they are. */
const paceTolerance = 0.07;

/** The usual rate that is meant by what a few pictures show, rather too high than too low. */
export function usualFrameRate(measured: number): number {
  return (
    nearestOf(usualRates, measured, integerTolerance) ??
    usualRates.find((rate) => rate >= measured * (1 - paceTolerance)) ??
    Math.max(...usualRates)
  );
}

/** Pictures per second; `null` without pictures. */
export function announcedFrameRate(frameCount: number, durationSeconds: number): number | null {
  if (frameCount === 0 || durationSeconds <= 0) return null;
  const measured = frameCount / durationSeconds;
  return (
    nearestOf(fractionalRates, measured, fractionalTolerance) ??
    nearestOf(integerRates, measured, integerTolerance) ??
    measured
  );
}
