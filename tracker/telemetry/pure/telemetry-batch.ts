// What goes into the telemetry store in one transaction: sums per bucket, and the sessions that
// they came from, so that a beacon repeated after a restart is still counted once.

import type { StreamId } from '@shoal/ingest/protocol';
import type { DeliveryCounters } from './delivery-counters.ts';
import type { RegionCounters } from './region-counters.ts';
import type { ViewerSketch } from './viewer-sketch.ts';

/** To be added to what the store has for this bucket, stream and rendition. */
export interface DeliveryDelta {
  readonly bucketAtMs: number;
  readonly stream: StreamId;
  /** Empty before the first rendition. */
  readonly rendition: string;
  readonly counters: DeliveryCounters;
}

/** To be added to what the store has for this bucket, stream, rendition and region. */
export interface RegionDelta {
  readonly bucketAtMs: number;
  readonly stream: StreamId;
  readonly rendition: string;
  /** ISO 3166-1 alpha-2; empty where the database does not know. */
  readonly region: string;
  readonly counters: RegionCounters;
}

/** To be joined with what the store has for this step and stream. */
export interface ReachDelta {
  readonly stepMs: number;
  readonly atMs: number;
  readonly stream: StreamId;
  readonly sketch: ViewerSketch;
}

/** Viewers seen for the first time in this bucket. */
export interface AudienceDelta {
  readonly bucketAtMs: number;
  readonly stream: StreamId;
  readonly viewers: number;
}

/** Bytes that the origin has sent since the last look. */
export interface EgressDelta {
  readonly bucketAtMs: number;
  /** `null` says only that ingest answered in this bucket. */
  readonly stream: StreamId | null;
  readonly bytes: number;
}

/** One page view, kept for minutes after its last beacon. */
export interface SessionRecord {
  readonly session: string;
  readonly stream: StreamId;
  readonly highestSequence: number;
  /** Bit i: sequence `highestSequence - i` was counted. 32 bits. */
  readonly seenMask: number;
  readonly lastSeenMs: number;
  readonly hasEnded: boolean;
  /** The bucket in which this session was last counted as a viewer. */
  readonly viewerBucketAtMs: number;
  readonly liveLatencyMs: number | null;
}

export interface TelemetryBatch {
  readonly delivery: readonly DeliveryDelta[];
  readonly audience: readonly AudienceDelta[];
  readonly egress: readonly EgressDelta[];
  readonly regions: readonly RegionDelta[];
  readonly reach: readonly ReachDelta[];
  /** Replace what the store has of these sessions. */
  readonly sessions: readonly SessionRecord[];
}
