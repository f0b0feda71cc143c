// Where telemetry stays: the one interface that every store implements, and that the contract
// suite holds them to. The group commit writes, the savings reader reads.

import type { StreamId } from '@shoal/ingest/protocol';
import type { CdnComparison, CdnUsage } from './pure/cdn-usage.ts';
import type { DeliveryCounters } from './pure/delivery-counters.ts';
import type { RegionCounters } from './pure/region-counters.ts';
import type { Audience } from './pure/session-table.ts';
import type { SessionRecord, TelemetryBatch } from './pure/telemetry-batch.ts';

export interface WindowQuery {
  /** `null`: all streams together. */
  readonly stream: StreamId | null;
  /** Inclusive and exclusive, both multiples of `intervalMs`. */
  readonly fromMs: number;
  readonly toMs: number;
  /** A multiple of 10 s. */
  readonly intervalMs: number;
}

export type CdnUsageQuery = Omit<WindowQuery, 'intervalMs'>;

export interface WindowPoint {
  readonly atMs: number;
  /** Distinct viewers of a 10 s bucket; of a longer interval the most in one of its steps. */
  readonly viewers: number;
  readonly cdnBytes: number;
  readonly peerBytes: number;
}

export interface WindowData {
  readonly totals: DeliveryCounters;
  /** Oldest first; intervals without data are left out. */
  readonly points: readonly WindowPoint[];
  /** `null` when ingest did not answer in the whole window. */
  readonly originEgressBytes: number | null;
}

export interface StreamTotals {
  readonly stream: StreamId;
  readonly cdnBytes: number;
  readonly peerBytes: number;
}

export interface RegionTotals {
  /** ISO 3166-1 alpha-2, empty when it is not known. */
  readonly region: string;
  readonly counters: RegionCounters;
}

/** Whole steps, see `reachSpan`. */
export interface ReachQuery {
  /** `null`: all streams together. */
  readonly stream: StreamId | null;
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMs: number;
}

/** All methods reject with the cause of the failure; none retries. */
export interface TelemetryStore {
  /** Other trackers may write here too. */
  readonly isShared: boolean;
  /** All of the batch or nothing; after it resolves, the batch survives a SIGKILL if anything does. */
  commit(batch: TelemetryBatch): Promise<void>;
  loadSessions(seenSinceMs: number): Promise<readonly SessionRecord[]>;
  /** Those of these sessions that are stored; at most 1000 are asked for. */
  findSessions(sessions: readonly string[]): Promise<readonly SessionRecord[]>;
  /** Who watches, by streams: the sessions seen since then that have not ended. */
  readAudiences(seenSinceMs: number): Promise<ReadonlyMap<string, Audience>>;
  /** Whether this tracker is the one among those on the store that notes the origin's egress. */
  holdsEgressDuty(): Promise<boolean>;
  readWindow(query: WindowQuery): Promise<WindowData>;
  /** Those with most bytes first. */
  readRegions(query: WindowQuery): Promise<readonly RegionTotals[]>;
  /** Different viewers in the window, exact while they are few. */
  readReach(query: ReachQuery): Promise<number>;
  /** Streams with beacons in the window, those with most bytes first; at most 1000. */
  readStreams(window: Omit<WindowQuery, 'stream'>): Promise<readonly StreamTotals[]>;
  /** Keeps what one log says; an import of the same `source` before is replaced as a whole. */
  replaceCdnUsage(source: string, usage: readonly CdnUsage[]): Promise<void>;
  /** `null` when no log covers any of the window. */
  compareCdnUsage(query: CdnUsageQuery): Promise<CdnComparison | null>;
  /** Drops what its resolution keeps no longer, and sessions not seen since `sessionsBeforeMs`. */
  prune(nowMs: number, sessionsBeforeMs: number): Promise<void>;
  close(): Promise<void>;
}

/** Most streams that {@link TelemetryStore.readStreams} returns. */
export const maxListedStreams = 1_000;
