// The extra fields that Shoal's tracker puts into its announce answers. Other trackers leave them
// out, and the scheduler does without.

import type { RingPosition } from '../scheduler/scheduler-actions.ts';

export interface SwarmAnswer {
  readonly ring: RingPosition | null;
  readonly viewerCount: number;
}

/** What an announce answer says about the swarm, `null` when it is no answer to an announce. */
export function ringOf(answer: unknown): SwarmAnswer | null {
  if (typeof answer !== 'object' || answer === null) return null;
  const { complete, incomplete, shoal } = answer as {
    complete?: unknown;
    incomplete?: unknown;
    shoal?: unknown;
  };
  const viewerCount = (isCount(complete) ? complete : 0) + (isCount(incomplete) ? incomplete : 0);
  return { ring: parseRing(shoal), viewerCount };
}

function parseRing(value: unknown): RingPosition | null {
  if (typeof value !== 'object' || value === null) return null;
  const { position, gap, capableCount, isSpared } = value as {
    position?: unknown;
    gap?: unknown;
    capableCount?: unknown;
    isSpared?: unknown;
  };
  if (typeof position !== 'number' || !(position >= 0 && position < 1)) return null;
  if (typeof gap !== 'number' || !(gap > 0 && gap <= 1) || !isCount(capableCount)) return null;
  return { position, gap, capableCount, ...(isSpared === true ? { isSpared } : {}) };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}
