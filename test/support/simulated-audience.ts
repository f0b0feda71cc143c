// An audience whose every byte is known: viewers join and leave, their clocks are wrong, and the
// network delays, repeats and reorders what they report. Same seed, same audience.

import type { DeliveryBeacon } from '@shoal/tracker/protocol';
import { beaconWith } from './beacons.ts';

export interface Arrival {
  readonly atMs: number;
  readonly beacon: DeliveryBeacon;
}

/** What the savings must say. */
export interface AudienceTruth {
  cdnBytes: number;
  peerBytes: number;
  readonly perBucket: Map<number, { cdnBytes: number; peerBytes: number; viewers: Set<string> }>;
}

export interface SimulatedAudience {
  /** In the order of arrival. */
  readonly arrivals: readonly Arrival[];
  truthOf(stream: string | null, bucketMs: number): AudienceTruth;
}

export interface AudienceOptions {
  readonly seed: number;
  readonly viewerCount: number;
  readonly startMs: number;
  readonly durationMs: number;
}

const beaconIntervalMs = 5_000;
const maxDelayMs = 12_000;
const streams = ['demo', 'match', 'talk'] as const;

function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

export function simulateAudience(options: AudienceOptions): SimulatedAudience {
  const random = seededRandom(options.seed);
  const arrivals = Array.from({ length: options.viewerCount }, (_, index) =>
    arrivalsOfViewer(index, options, random),
  )
    .flat()
    .sort((a, b) => a.atMs - b.atMs);
  return { arrivals, truthOf: (stream, bucketMs) => truthOf(arrivals, stream, bucketMs) };
}

function arrivalsOfViewer(
  index: number,
  { startMs, durationMs }: AudienceOptions,
  random: () => number,
): Arrival[] {
  const stream = streams[Math.floor(random() * streams.length)] ?? 'demo';
  const session = `session-of-viewer-${String(index).padStart(4, '0')}`;
  const joinMs = startMs + random() * durationMs * 0.7;
  const leaveMs = Math.min(startMs + durationMs, joinMs + 20_000 + random() * durationMs);
  const skewSeconds = (random() - 0.5) * 7_200;
  const arrivals: Arrival[] = [];
  let sequence = 0;
  for (let sentMs = joinMs; sentMs < leaveMs; sentMs += beaconIntervalMs) {
    const beacon = beaconWith({
      session,
      stream,
      sequence,
      rendition: random() < 0.5 ? '720p' : '360p',
      cdnBytes: Math.floor(random() * 2e6),
      peerBytes: Math.floor(random() * 3e6),
      uploadedBytes: Math.floor(random() * 3.2e6),
      liveLatencySeconds: 6 + skewSeconds,
      ended: sentMs + beaconIntervalMs >= leaveMs,
    });
    sequence += 1;
    // Some come twice or three times, in any order.
    const copies = random() < 0.2 ? 2 + Math.floor(random() * 2) : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      arrivals.push({ atMs: Math.floor(sentMs + random() * maxDelayMs), beacon });
    }
  }
  return arrivals;
}

/** Each beacon at its first arrival. */
function truthOf(
  arrivals: readonly Arrival[],
  stream: string | null,
  bucketMs: number,
): AudienceTruth {
  const truth: AudienceTruth = { cdnBytes: 0, peerBytes: 0, perBucket: new Map() };
  const seen = new Set<string>();
  for (const { atMs, beacon } of arrivals) {
    const name = `${beacon.session}/${beacon.sequence}`;
    if (seen.has(name) || (stream !== null && beacon.stream !== stream)) continue;
    seen.add(name);
    truth.cdnBytes += beacon.cdnBytes;
    truth.peerBytes += beacon.peerBytes;
    const bucketAtMs = Math.floor(atMs / bucketMs) * bucketMs;
    const bucket = truth.perBucket.get(bucketAtMs) ?? {
      cdnBytes: 0,
      peerBytes: 0,
      viewers: new Set<string>(),
    };
    bucket.cdnBytes += beacon.cdnBytes;
    bucket.peerBytes += beacon.peerBytes;
    bucket.viewers.add(beacon.session);
    truth.perBucket.set(bucketAtMs, bucket);
  }
  return truth;
}
