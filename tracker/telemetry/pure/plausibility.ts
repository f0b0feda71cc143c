// Whether a viewer can have received what its beacon says. Pure; the rollup sets aside what it
// cannot, so that a broken or lying player does not become savings.

import type { AcceptedBeacon } from './accepted-beacon.ts';

/** Where the ladder of a stream is not known: more than any of today's streams has. */
export const unknownBitrateBps = 50e6;

/**
 * A variant's bandwidth is a peak by HLS's rules but a mean in many packagers, and a viewer may
 * fetch a segment twice when it changes the rendition.
 */
const bitrateFactor = 2;

/** What a player may fetch ahead of the time it covers: its buffer and its store. */
const aheadSeconds = 60;

/** How much longer than since its last beacon a viewer may claim to have watched. */
const claimSlackSeconds = 30;
/** What a first beacon may cover. */
const firstBeaconSeconds = 600;

export interface PlausibilityInput {
  readonly beacon: AcceptedBeacon;
  /** When this session's last beacon came, `null` for its first. */
  readonly lastSeenMs: number | null;
  readonly nowMs: number;
  /** The highest bit rate of the stream's renditions, `null` when it is not known. */
  readonly maxBitrateBps: number | null;
}

/** The clock that counts is ours: a player may claim any interval. */
export function isPlausible({
  beacon,
  lastSeenMs,
  nowMs,
  maxBitrateBps,
}: PlausibilityInput): boolean {
  const possibleSeconds =
    lastSeenMs === null
      ? firstBeaconSeconds
      : Math.max(0, nowMs - lastSeenMs) / 1_000 + claimSlackSeconds;
  const coveredSeconds = Math.min(beacon.intervalMs / 1_000, possibleSeconds) + aheadSeconds;
  const bytesPerSecond = (maxBitrateBps ?? unknownBitrateBps) / 8;
  return beacon.cdnBytes + beacon.peerBytes <= coveredSeconds * bytesPerSecond * bitrateFactor;
}
