// The answer of GET /api/v1/savings/regions: what was delivered where, and how well. Countries come
// from the geo database of the operator; without one there are no regions.

export interface RegionSavings {
  /** ISO 3166-1 alpha-2, `null` where the database does not know. */
  readonly region: string | null;
  /** Viewers at once, on average over the window. */
  readonly averageViewers: number;
  readonly cdnBytes: number;
  readonly peerBytes: number;
  readonly offloadRatio: number | null;
  readonly stallRatio: number | null;
  readonly startupSeconds: number | null;
}

export interface RegionSavingsList {
  /** `null`: all streams together. */
  readonly stream: string | null;
  readonly windowSeconds: number;
  /** Most bytes first; empty without a geo database. */
  readonly regions: readonly RegionSavings[];
}
