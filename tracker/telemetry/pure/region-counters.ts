// What is kept per region: the figures that are compared between regions, fewer than for streams.
// Pure; the rollup picks them from a beacon's counters, stores add them up.

import type { DeliveryCounters } from './delivery-counters.ts';

/** Every figure of a region; stores have a column for each, named the same in snake case. */
export const regionCounterNames = [
  'cdnBytes',
  'peerBytes',
  'stalledMs',
  'playedMs',
  'startupCount',
  'startupMs',
] as const;

export type RegionCounters = Readonly<Pick<DeliveryCounters, (typeof regionCounterNames)[number]>>;

export const noRegionCounters: RegionCounters = {
  cdnBytes: 0,
  peerBytes: 0,
  stalledMs: 0,
  playedMs: 0,
  startupCount: 0,
  startupMs: 0,
};

export function addRegionCounters(a: RegionCounters, b: RegionCounters): RegionCounters {
  return {
    cdnBytes: a.cdnBytes + b.cdnBytes,
    peerBytes: a.peerBytes + b.peerBytes,
    stalledMs: a.stalledMs + b.stalledMs,
    playedMs: a.playedMs + b.playedMs,
    startupCount: a.startupCount + b.startupCount,
    startupMs: a.startupMs + b.startupMs,
  };
}
