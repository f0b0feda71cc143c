// The sums that make every figure of a savings summary, as whole numbers so that no order of
// adding changes them. The rollup fills them from beacons, stores add them up.

/** Sums over beacons; times in whole milliseconds. */
export interface DeliveryCounters {
  readonly cdnBytes: number;
  readonly peerBytes: number;
  readonly uploadedBytes: number;
  readonly discardedBytes: number;
  readonly stallCount: number;
  readonly stalledMs: number;
  readonly playedMs: number;
  /** Sessions that reported their start-up, and the sum of what they reported. */
  readonly startupCount: number;
  readonly startupMs: number;
  /** The part of the four figures above that viewers who exchange segments reported. */
  readonly sharingPlayedMs: number;
  readonly sharingStalledMs: number;
  readonly sharingStartupCount: number;
  readonly sharingStartupMs: number;
  /** Beacons that nobody can have measured, and their bytes; in none of the figures above. */
  readonly setAsideCount: number;
  readonly setAsideBytes: number;
}

export const noCounters: DeliveryCounters = {
  cdnBytes: 0,
  peerBytes: 0,
  uploadedBytes: 0,
  discardedBytes: 0,
  stallCount: 0,
  stalledMs: 0,
  playedMs: 0,
  startupCount: 0,
  startupMs: 0,
  sharingPlayedMs: 0,
  sharingStalledMs: 0,
  sharingStartupCount: 0,
  sharingStartupMs: 0,
  setAsideCount: 0,
  setAsideBytes: 0,
};

export function addCounters(a: DeliveryCounters, b: DeliveryCounters): DeliveryCounters {
  return {
    cdnBytes: a.cdnBytes + b.cdnBytes,
    peerBytes: a.peerBytes + b.peerBytes,
    uploadedBytes: a.uploadedBytes + b.uploadedBytes,
    discardedBytes: a.discardedBytes + b.discardedBytes,
    stallCount: a.stallCount + b.stallCount,
    stalledMs: a.stalledMs + b.stalledMs,
    playedMs: a.playedMs + b.playedMs,
    startupCount: a.startupCount + b.startupCount,
    startupMs: a.startupMs + b.startupMs,
    sharingPlayedMs: a.sharingPlayedMs + b.sharingPlayedMs,
    sharingStalledMs: a.sharingStalledMs + b.sharingStalledMs,
    sharingStartupCount: a.sharingStartupCount + b.sharingStartupCount,
    sharingStartupMs: a.sharingStartupMs + b.sharingStartupMs,
    setAsideCount: a.setAsideCount + b.setAsideCount,
    setAsideBytes: a.setAsideBytes + b.setAsideBytes,
  };
}
