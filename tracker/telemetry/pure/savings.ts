// Turns sums into the figures that people quote. Pure: the savings reader brings what the store
// and the session table know, the routes send the result.

import {
  type CdnMeasurement,
  offloadRatio,
  type QualityFigures,
  type SavingsPoint,
  type SavingsSummary,
} from '../../protocol/index.ts';
import type { CdnComparison } from './cdn-usage.ts';
import type { DeliveryCounters } from './delivery-counters.ts';
import { bucketMs, chooseIntervalSeconds, floorTo } from './resolutions.ts';
import type { Audience } from './session-table.ts';

/** A gigabyte as CDNs bill it. */
const gigabyte = 1e9;

/** "Now" for bandwidth: the last finished buckets, as many as smooth out segments. */
const nowBuckets = 3;

export interface TimeSpan {
  readonly fromMs: number;
  readonly toMs: number;
  readonly intervalMs: number;
}

export interface SavingsInput {
  readonly stream: string | null;
  readonly windowSeconds: number;
  readonly span: TimeSpan;
  readonly totals: DeliveryCounters;
  readonly points: readonly {
    readonly atMs: number;
    readonly viewers: number;
    readonly cdnBytes: number;
    readonly peerBytes: number;
  }[];
  readonly originEgressBytes: number | null;
  readonly audience: Audience;
  readonly distinctViewers: number;
  /** Sums over {@link spanOfNow}. */
  readonly cdnComparison: CdnComparison | null;
  readonly recent: { readonly cdnBytes: number; readonly peerBytes: number };
  readonly pricePerGb: number;
  readonly currency: string;
}

/**
 * The intervals that the window up to `nowMs` touches, the unfinished one included, none of them
 * shorter than `leastIntervalMs`.
 */
export function spanOfWindow(
  nowMs: number,
  windowSeconds: number,
  leastIntervalMs: number = bucketMs,
): TimeSpan {
  const intervalMs = Math.max(chooseIntervalSeconds(windowSeconds) * 1_000, leastIntervalMs);
  return {
    fromMs: floorTo(nowMs - windowSeconds * 1_000, intervalMs),
    toMs: floorTo(nowMs, intervalMs) + intervalMs,
    intervalMs,
  };
}

/** The finished buckets that stand for "now". */
export function spanOfNow(nowMs: number): TimeSpan {
  const toMs = floorTo(nowMs, bucketMs);
  return { fromMs: toMs - nowBuckets * bucketMs, toMs, intervalMs: bucketMs };
}

export function summarizeSavings(input: SavingsInput): SavingsSummary {
  const { totals, audience } = input;
  const all: QualitySums = { ...totals, mediaBytes: totals.cdnBytes + totals.peerBytes };
  const withPeers: QualitySums = {
    mediaBytes: totals.sharingMediaBytes,
    playedMs: totals.sharingPlayedMs,
    stalledMs: totals.sharingStalledMs,
    startupCount: totals.sharingStartupCount,
    startupMs: totals.sharingStartupMs,
    latencyCount: totals.sharingLatencyCount,
    latencyMs: totals.sharingLatencyMs,
  };
  const heldOut: QualitySums = {
    mediaBytes: totals.heldOutMediaBytes,
    playedMs: totals.heldOutPlayedMs,
    stalledMs: totals.heldOutStalledMs,
    startupCount: totals.heldOutStartupCount,
    startupMs: totals.heldOutStartupMs,
    latencyCount: totals.heldOutLatencyCount,
    latencyMs: totals.heldOutLatencyMs,
  };
  const quality = qualityOf(all);
  // Relayed bytes leave a server of the operator: they save nothing, however they came there.
  const savedBytes = Math.max(0, totals.peerBytes - totals.relayedBytes);
  return {
    stream: input.stream,
    windowSeconds: input.windowSeconds,
    viewers: audience.viewers,
    distinctViewers: input.distinctViewers,
    cdnBytes: totals.cdnBytes,
    peerBytes: totals.peerBytes,
    offloadRatio: offloadRatio(totals),
    savedBytes,
    savedMoney: (savedBytes / gigabyte) * input.pricePerGb,
    currency: input.currency,
    pricePerGb: input.pricePerGb,
    originEgressBytes: input.originEgressBytes,
    cdnMeasured: measurementOf(input.cdnComparison),
    stallRatio: quality.stallRatio,
    bitrateBps: quality.bitrateBps,
    uploadedBytes: totals.uploadedBytes,
    discardedBytes: totals.discardedBytes,
    relayedBytes: totals.relayedBytes,
    startupSeconds: quality.startupSeconds,
    liveLatencySeconds: audience.liveLatencySeconds,
    qualityWithPeers: qualityOf(withPeers),
    qualityWithoutPeers: qualityOf(difference(all, withPeers)),
    qualityHeldOut: qualityOf(heldOut),
    setAsideBeacons: totals.setAsideCount,
    setAsideBytes: totals.setAsideBytes,
    cdnBitrateBps: bitrateOfNow(input.recent.cdnBytes),
    peerBitrateBps: bitrateOfNow(input.recent.peerBytes),
    intervalSeconds: input.span.intervalMs / 1_000,
    series: fillSeries(input.span, input.points),
  };
}

const qualitySumNames = [
  'mediaBytes',
  'playedMs',
  'stalledMs',
  'startupCount',
  'startupMs',
  'latencyCount',
  'latencyMs',
] as const;

type QualitySums = Readonly<Record<(typeof qualitySumNames)[number], number>>;

function difference(all: QualitySums, part: QualitySums): QualitySums {
  const rest = { ...all };
  for (const name of qualitySumNames) rest[name] = all[name] - part[name];
  return rest;
}

function qualityOf(sums: QualitySums): QualityFigures {
  const { playedMs, stalledMs } = sums;
  return {
    playedSeconds: playedMs / 1_000,
    stallRatio: ratio(stalledMs, playedMs + stalledMs),
    startupSeconds: ratio(sums.startupMs / 1_000, sums.startupCount),
    liveLatencySeconds: ratio(sums.latencyMs / 1_000, sums.latencyCount),
    bitrateBps: ratio(sums.mediaBytes * 8, playedMs / 1_000),
  };
}

function ratio(part: number, whole: number): number | null {
  return whole > 0 ? part / whole : null;
}

function measurementOf(comparison: CdnComparison | null): CdnMeasurement | null {
  if (comparison === null) return null;
  const { coveredMs, measuredBytes, reportedBytes } = comparison;
  return { measuredBytes, reportedBytes, coveredSeconds: coveredMs / 1_000 };
}

function bitrateOfNow(bytes: number): number {
  return (bytes * 8 * 1_000) / (nowBuckets * bucketMs);
}

function fillSeries(span: TimeSpan, points: SavingsInput['points']): SavingsPoint[] {
  const byTime = new Map(points.map((point) => [point.atMs, point]));
  const series: SavingsPoint[] = [];
  for (let atMs = span.fromMs; atMs < span.toMs; atMs += span.intervalMs) {
    const point = byTime.get(atMs);
    series.push({
      at: new Date(atMs).toISOString(),
      viewers: point?.viewers ?? 0,
      cdnBytes: point?.cdnBytes ?? 0,
      peerBytes: point?.peerBytes ?? 0,
    });
  }
  return series;
}

/** Audiences of several streams as one; latencies weigh as much as their viewers. */
export function joinAudiences(audiences: Iterable<Audience>): Audience {
  let viewers = 0;
  let latencySeconds = 0;
  let latencyWeight = 0;
  for (const audience of audiences) {
    viewers += audience.viewers;
    if (audience.liveLatencySeconds === null) continue;
    latencySeconds += audience.liveLatencySeconds * audience.viewers;
    latencyWeight += audience.viewers;
  }
  return {
    viewers,
    liveLatencySeconds: latencyWeight === 0 ? null : latencySeconds / latencyWeight,
  };
}
