// The telemetry store that forgets at the end: for tests, trials and machines without a disk.
// Same contract as the SQLite store, including its resolutions and retention.

import type { StreamId } from '@shoal/ingest/protocol';
import { MemoryRegions } from './memory-regions.ts';
import { type CdnComparison, type CdnUsage, cdnUsageStepMs } from './pure/cdn-usage.ts';
import { addCounters, type DeliveryCounters, noCounters } from './pure/delivery-counters.ts';
import { floorTo, resolutions, stepForInterval } from './pure/resolutions.ts';
import { type Audience, audiencesOf } from './pure/session-table.ts';
import type { SessionRecord, TelemetryBatch } from './pure/telemetry-batch.ts';
import {
  type CdnUsageQuery,
  maxListedStreams,
  type ReachQuery,
  type RegionTotals,
  type StreamTotals,
  type TelemetryStore,
  type WindowData,
  type WindowPoint,
  type WindowQuery,
} from './telemetry-store.ts';

interface StreamBucket {
  /** Whether a beacon fell into it, or only egress. */
  hasBeacons: boolean;
  counters: DeliveryCounters;
  viewers: number;
  egressBytes: number;
}

/** What happened in one step of one resolution. */
interface Bucket {
  readonly streams: Map<StreamId, StreamBucket>;
  ingestAnswered: boolean;
}

type Timeline = Map<number, Bucket>;

export class MemoryStore implements TelemetryStore {
  readonly isShared = false;
  readonly #timelines = new Map<number, Timeline>(
    resolutions.map(({ stepMs }) => [stepMs, new Map()]),
  );
  readonly #sessions = new Map<string, SessionRecord>();
  readonly #regions = new MemoryRegions();
  readonly #cdnUsage = new Map<string, readonly CdnUsage[]>();

  async commit(batch: TelemetryBatch): Promise<void> {
    for (const { stepMs } of resolutions) this.#commitAt(stepMs, batch);
    this.#regions.commit(batch.regions, batch.reach);
    for (const record of batch.sessions) this.#sessions.set(record.session, record);
  }

  async loadSessions(seenSinceMs: number): Promise<readonly SessionRecord[]> {
    return [...this.#sessions.values()].filter(({ lastSeenMs }) => lastSeenMs >= seenSinceMs);
  }

  async findSessions(sessions: readonly string[]): Promise<readonly SessionRecord[]> {
    return sessions.flatMap((session) => this.#sessions.get(session) ?? []);
  }

  async readAudiences(seenSinceMs: number): Promise<ReadonlyMap<string, Audience>> {
    return audiencesOf(this.#sessions.values(), seenSinceMs);
  }

  async holdsEgressDuty(): Promise<boolean> {
    return true;
  }

  async readWindow(query: WindowQuery): Promise<WindowData> {
    let totals = noCounters;
    let originEgressBytes: number | null = null;
    const points = new Map<number, WindowPoint>();
    for (const [atMs, bucket] of this.#bucketsOf(query)) {
      if (bucket.ingestAnswered) originEgressBytes ??= 0;
      let sum: StreamBucket = newStreamBucket();
      for (const [stream, part] of bucket.streams) {
        if (query.stream === null || stream === query.stream) sum = addStreamBuckets(sum, part);
      }
      totals = addCounters(totals, sum.counters);
      if (originEgressBytes !== null) originEgressBytes += sum.egressBytes;
      if (!sum.hasBeacons) continue;
      const pointAtMs = floorTo(atMs, query.intervalMs);
      const known = points.get(pointAtMs);
      points.set(pointAtMs, {
        atMs: pointAtMs,
        viewers: Math.max(known?.viewers ?? 0, sum.viewers),
        cdnBytes: (known?.cdnBytes ?? 0) + sum.counters.cdnBytes,
        peerBytes: (known?.peerBytes ?? 0) + sum.counters.peerBytes,
      });
    }
    return { totals, points: [...points.values()], originEgressBytes };
  }

  async readStreams(window: Omit<WindowQuery, 'stream'>): Promise<readonly StreamTotals[]> {
    const sums = new Map<StreamId, StreamTotals>();
    for (const [, bucket] of this.#bucketsOf(window)) {
      for (const [stream, { counters, hasBeacons }] of bucket.streams) {
        if (!hasBeacons) continue;
        const known = sums.get(stream);
        sums.set(stream, {
          stream,
          cdnBytes: (known?.cdnBytes ?? 0) + counters.cdnBytes,
          peerBytes: (known?.peerBytes ?? 0) + counters.peerBytes,
        });
      }
    }
    return [...sums.values()]
      .sort((a, b) => b.cdnBytes + b.peerBytes - a.cdnBytes - a.peerBytes)
      .slice(0, maxListedStreams);
  }

  async replaceCdnUsage(source: string, usage: readonly CdnUsage[]): Promise<void> {
    this.#cdnUsage.set(source, usage);
  }

  async compareCdnUsage(query: CdnUsageQuery): Promise<CdnComparison | null> {
    const { fromMs, toMs } = query;
    const isMeant = (stream: StreamId): boolean => query.stream === null || stream === query.stream;
    const steps = new Set<number>();
    let measuredBytes = 0;
    for (const { atMs, stream, bytes } of [...this.#cdnUsage.values()].flat()) {
      if (!isMeant(stream) || atMs < fromMs || atMs >= toMs) continue;
      steps.add(atMs);
      measuredBytes += bytes;
    }
    if (steps.size === 0) return null;
    let reportedBytes = 0;
    for (const atMs of steps) {
      const bucket = this.#timeline(cdnUsageStepMs).get(atMs);
      for (const [stream, { counters }] of bucket?.streams ?? []) {
        if (isMeant(stream)) reportedBytes += counters.cdnBytes;
      }
    }
    return { coveredMs: steps.size * cdnUsageStepMs, measuredBytes, reportedBytes };
  }

  async readRegions(query: WindowQuery): Promise<readonly RegionTotals[]> {
    return this.#regions.readRegions(query);
  }

  async readReach(query: ReachQuery): Promise<number> {
    return this.#regions.readReach(query);
  }

  async prune(nowMs: number, sessionsBeforeMs: number): Promise<void> {
    this.#regions.prune(nowMs);
    for (const { stepMs, keptMs } of resolutions) {
      const timeline = this.#timeline(stepMs);
      for (const atMs of timeline.keys()) if (atMs < nowMs - keptMs) timeline.delete(atMs);
    }
    const keptMs = resolutions.find(({ stepMs }) => stepMs === cdnUsageStepMs)?.keptMs ?? 0;
    for (const [source, usage] of this.#cdnUsage) {
      const kept = usage.filter(({ atMs }) => atMs >= nowMs - keptMs);
      if (kept.length > 0) this.#cdnUsage.set(source, kept);
      else this.#cdnUsage.delete(source);
    }
    for (const [session, { lastSeenMs }] of this.#sessions) {
      if (lastSeenMs < sessionsBeforeMs) this.#sessions.delete(session);
    }
  }

  async close(): Promise<void> {
    this.#timelines.clear();
    this.#sessions.clear();
  }

  #commitAt(stepMs: number, batch: TelemetryBatch): void {
    const finest = resolutions[0]?.stepMs ?? stepMs;
    for (const { bucketAtMs, stream, counters } of batch.delivery) {
      const bucket = this.#streamBucket(stepMs, bucketAtMs, stream);
      bucket.counters = addCounters(bucket.counters, counters);
      bucket.hasBeacons = true;
    }
    for (const { bucketAtMs, stream, viewers } of batch.audience) {
      const bucket = this.#streamBucket(stepMs, bucketAtMs, stream);
      const fine = this.#streamBucket(finest, bucketAtMs, stream);
      bucket.viewers =
        stepMs === finest ? bucket.viewers + viewers : Math.max(bucket.viewers, fine.viewers);
    }
    for (const { bucketAtMs, stream, bytes } of batch.egress) {
      if (stream === null) this.#bucket(stepMs, bucketAtMs).ingestAnswered = true;
      else this.#streamBucket(stepMs, bucketAtMs, stream).egressBytes += bytes;
    }
  }

  #timeline(stepMs: number): Timeline {
    const timeline = this.#timelines.get(stepMs);
    if (!timeline) throw new Error(`the store keeps no steps of ${stepMs} ms, or is closed`);
    return timeline;
  }

  #bucket(stepMs: number, bucketAtMs: number): Bucket {
    const timeline = this.#timeline(stepMs);
    const atMs = floorTo(bucketAtMs, stepMs);
    const bucket = timeline.get(atMs) ?? { streams: new Map(), ingestAnswered: false };
    timeline.set(atMs, bucket);
    return bucket;
  }

  #streamBucket(stepMs: number, bucketAtMs: number, stream: StreamId): StreamBucket {
    const { streams } = this.#bucket(stepMs, bucketAtMs);
    const part = streams.get(stream) ?? newStreamBucket();
    streams.set(stream, part);
    return part;
  }

  /** Buckets of the window, oldest first. */
  #bucketsOf(window: Omit<WindowQuery, 'stream'>): [number, Bucket][] {
    const { fromMs, toMs } = window;
    return [...this.#timeline(stepForInterval(window.intervalMs))]
      .filter(([atMs]) => atMs >= fromMs && atMs < toMs)
      .sort(([a], [b]) => a - b);
  }
}

function newStreamBucket(): StreamBucket {
  return { hasBeacons: false, counters: noCounters, viewers: 0, egressBytes: 0 };
}

function addStreamBuckets(a: StreamBucket, b: StreamBucket): StreamBucket {
  return {
    hasBeacons: a.hasBeacons || b.hasBeacons,
    counters: addCounters(a.counters, b.counters),
    viewers: a.viewers + b.viewers,
    egressBytes: a.egressBytes + b.egressBytes,
  };
}
