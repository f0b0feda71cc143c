// The answer of GET /api/v1/health: whether tracker and ingest do their work, in figures that an
// operator reads on the dashboard. Alerts stand on the Prometheus metrics, which say more.

export interface TrackerHealth {
  /** As GET /readyz. */
  readonly isReady: boolean;
  readonly isStoreHealthy: boolean;
  readonly uptimeSeconds: number;
  /** WebSockets of viewers, one for each swarm that they are in, and the swarms. */
  readonly sockets: number;
  readonly swarms: number;
  /** Since the start. */
  readonly refusedSockets: number;
  readonly beaconsCounted: number;
  readonly beaconsRefused: number;
  /** The share of beacons that is let in, below 1 while there are too many. */
  readonly admittedShare: number;
}

export interface IngestHealth {
  /** `null` before the first answer. */
  readonly isReachable: boolean | null;
  readonly liveStreams: readonly string[];
  /** Streams whose publisher is away and may come back. */
  readonly reconnectingStreams: readonly string[];
}

export interface HealthSummary {
  /** ISO 8601. */
  readonly at: string;
  readonly tracker: TrackerHealth;
  /** `null` when this tracker knows no ingest. */
  readonly ingest: IngestHealth | null;
}
