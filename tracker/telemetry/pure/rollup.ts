// Beacons become sums per 10 s, stream and rendition; each beacon counts once, whatever the
// network did to it. Pure: the group commit gives it beacons and the time, and takes the batches.

import type { StreamId } from '@shoal/ingest/protocol';
import type { AcceptedBeacon } from './accepted-beacon.ts';
import { addCounters, type DeliveryCounters, noCounters } from './delivery-counters.ts';
import { PendingReach } from './pending-reach.ts';
import { isPlausible, unknownBitrateBps } from './plausibility.ts';
import { addRegionCounters, noRegionCounters } from './region-counters.ts';
import { bucketMs, floorTo } from './resolutions.ts';
import { judgeSequence, type SequenceVerdict, SessionTable } from './session-table.ts';
import { SwarmBalances } from './swarm-balance.ts';
import type {
  AudienceDelta,
  DeliveryDelta,
  EgressDelta,
  RegionDelta,
  SessionRecord,
  TelemetryBatch,
} from './telemetry-batch.ts';

export interface RollupLimits {
  /** Page views remembered at once; more are refused until some expire. */
  readonly maxSessions: number;
  /** Sums waiting for the store; a flood of stream names ends here. */
  readonly maxPendingSums: number;
  /** The highest bit rate of a stream's renditions, `null` when it is not known. */
  readonly maxBitrateBps?: (stream: StreamId) => number | null;
}

/** `set-aside`: noted, but its figures are not believed. `full`: not counted, the player keeps its counters and tries again. */
export type BeaconVerdict = SequenceVerdict | 'set-aside' | 'full';

export class Rollup {
  readonly sessions: SessionTable;
  readonly #limits: RollupLimits;
  readonly #delivery = new Map<string, DeliveryDelta>();
  readonly #audience = new Map<string, AudienceDelta>();
  readonly #egress = new Map<string, EgressDelta>();
  readonly #regions = new Map<string, RegionDelta>();
  readonly #reach: PendingReach;
  readonly #balances = new SwarmBalances();
  readonly #changedSessions = new Map<string, SessionRecord>();

  constructor(limits: RollupLimits) {
    this.sessions = new SessionTable(limits.maxSessions);
    this.#limits = limits;
    this.#reach = new PendingReach(limits.maxPendingSums);
  }

  /**
   * Counts a beacon in the bucket of its arrival: the clocks of viewers are not to be trusted.
   * @param region of the viewer, empty when it is not known; `null`: nobody asks for regions
   */
  addBeacon(beacon: AcceptedBeacon, nowMs: number, region: string | null = null): BeaconVerdict {
    const known = this.sessions.get(beacon.session);
    const verdict = judgeSequence(known, beacon.sequence);
    if (verdict !== 'new') return verdict;
    if (known === undefined && this.sessions.isFull) return 'full';
    const isBelieved = this.#isBelieved(beacon, known?.lastSeenMs ?? null, nowMs);
    const bucketAtMs = floorTo(nowMs, bucketMs);
    const delta: DeliveryDelta = {
      bucketAtMs,
      stream: beacon.stream,
      rendition: beacon.rendition ?? '',
      counters: isBelieved ? countersOf(beacon) : setAside(beacon),
    };
    if (
      this.#delivery.size >= this.#limits.maxPendingSums &&
      !this.#delivery.has(deliveryKey(delta))
    ) {
      return 'full';
    }
    this.#addDelivery(delta);
    if (region !== null) this.#addRegion({ ...delta, region });
    this.#reach.add(beacon.stream, beacon.session, nowMs);
    if (known?.viewerBucketAtMs !== bucketAtMs || known.stream !== beacon.stream) {
      this.#addAudience({ bucketAtMs, stream: beacon.stream, viewers: 1 });
    }
    const record = this.sessions.note(beacon, nowMs, bucketAtMs);
    this.#changedSessions.set(record.session, record);
    return isBelieved ? 'new' : 'set-aside';
  }

  /** Whether the viewer can have received this, and its swarm can have sent it. */
  #isBelieved(beacon: AcceptedBeacon, lastSeenMs: number | null, nowMs: number): boolean {
    const maxBitrateBps = this.#limits.maxBitrateBps?.(beacon.stream) ?? null;
    if (!isPlausible({ beacon, lastSeenMs, nowMs, maxBitrateBps })) return false;
    return this.#balances.admit({
      stream: beacon.stream,
      receivedBytes: beacon.peerBytes,
      sentBytes: beacon.uploadedBytes,
      intervalMs: beacon.intervalMs,
      maxBitrateBps: maxBitrateBps ?? unknownBitrateBps,
      nowMs,
    });
  }

  /** Notes that ingest answered and what the origin has sent since the last look. */
  addEgress(bytesByStream: ReadonlyMap<StreamId, number>, nowMs: number): void {
    const bucketAtMs = floorTo(nowMs, bucketMs);
    this.#addEgress({ bucketAtMs, stream: null, bytes: 0 });
    for (const [stream, bytes] of bytesByStream) this.#addEgress({ bucketAtMs, stream, bytes });
  }

  /** What the store does not have yet, or `null`; the caller must store it or give it back. */
  takePending(): TelemetryBatch | null {
    if (this.#delivery.size + this.#egress.size + this.#changedSessions.size === 0) return null;
    const batch: TelemetryBatch = {
      delivery: [...this.#delivery.values()],
      audience: [...this.#audience.values()],
      egress: [...this.#egress.values()],
      regions: [...this.#regions.values()],
      reach: this.#reach.take(),
      sessions: [...this.#changedSessions.values()],
    };
    this.#delivery.clear();
    this.#audience.clear();
    this.#egress.clear();
    this.#regions.clear();
    this.#changedSessions.clear();
    return batch;
  }

  /** Takes back a batch that could not be stored; it joins the next one. */
  returnPending(batch: TelemetryBatch): void {
    for (const delta of batch.delivery) this.#addDelivery(delta);
    for (const delta of batch.audience) this.#addAudience(delta);
    for (const delta of batch.egress) this.#addEgress(delta);
    for (const delta of batch.regions) this.#addRegion(delta);
    this.#reach.giveBack(batch.reach);
    for (const record of batch.sessions) {
      const newer = this.#changedSessions.get(record.session);
      if (newer === undefined) this.#changedSessions.set(record.session, record);
    }
  }

  #addDelivery(delta: DeliveryDelta): void {
    const key = deliveryKey(delta);
    const counters = addCounters(this.#delivery.get(key)?.counters ?? noCounters, delta.counters);
    this.#delivery.set(key, { ...delta, counters });
  }

  /** Regions that are too many stay out of their own figures; the stream's have them. */
  #addRegion(delta: RegionDelta): void {
    const key = `${deliveryKey(delta)}/${delta.region}`;
    const known = this.#regions.get(key);
    if (known === undefined && this.#regions.size >= this.#limits.maxPendingSums) return;
    const { bucketAtMs, stream, rendition, region } = delta;
    const counters = addRegionCounters(known?.counters ?? noRegionCounters, delta.counters);
    this.#regions.set(key, { bucketAtMs, stream, rendition, region, counters });
  }

  #addAudience(delta: AudienceDelta): void {
    const key = `${delta.bucketAtMs}/${delta.stream}`;
    const viewers = (this.#audience.get(key)?.viewers ?? 0) + delta.viewers;
    this.#audience.set(key, { ...delta, viewers });
  }

  #addEgress(delta: EgressDelta): void {
    const key = `${delta.bucketAtMs}/${delta.stream ?? ''}`;
    const bytes = (this.#egress.get(key)?.bytes ?? 0) + delta.bytes;
    this.#egress.set(key, { ...delta, bytes });
  }
}

function deliveryKey(delta: Omit<DeliveryDelta, 'counters'>): string {
  return `${delta.bucketAtMs}/${delta.stream}/${delta.rendition}`;
}

function countersOf(beacon: AcceptedBeacon): DeliveryCounters {
  const startupCount = beacon.startupMs === null ? 0 : 1;
  const startupMs = beacon.startupMs ?? 0;
  const latencyCount = beacon.liveLatencyMs === null ? 0 : 1;
  const latencyMs = beacon.liveLatencyMs ?? 0;
  return {
    ...noCounters,
    cdnBytes: beacon.cdnBytes,
    peerBytes: beacon.peerBytes,
    uploadedBytes: beacon.uploadedBytes,
    discardedBytes: beacon.discardedBytes,
    relayedBytes: beacon.relayedBytes,
    stallCount: beacon.stallCount,
    stalledMs: beacon.stalledMs,
    playedMs: beacon.playedMs,
    startupCount,
    startupMs,
    latencyCount,
    latencyMs,
    ...(beacon.p2pEnabled && {
      sharingMediaBytes: beacon.cdnBytes + beacon.peerBytes,
      sharingPlayedMs: beacon.playedMs,
      sharingStalledMs: beacon.stalledMs,
      sharingStartupCount: startupCount,
      sharingStartupMs: startupMs,
      sharingLatencyCount: latencyCount,
      sharingLatencyMs: latencyMs,
    }),
    ...(beacon.heldOut === true && {
      heldOutMediaBytes: beacon.cdnBytes + beacon.peerBytes,
      heldOutPlayedMs: beacon.playedMs,
      heldOutStalledMs: beacon.stalledMs,
      heldOutStartupCount: startupCount,
      heldOutStartupMs: startupMs,
      heldOutLatencyCount: latencyCount,
      heldOutLatencyMs: latencyMs,
    }),
  };
}

function setAside(beacon: AcceptedBeacon): DeliveryCounters {
  return { ...noCounters, setAsideCount: 1, setAsideBytes: beacon.cdnBytes + beacon.peerBytes };
}
