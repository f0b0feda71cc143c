// Who watches now and which beacons were counted already: one record per page view, bounded and
// expiring. The rollup asks it for every beacon; the store keeps a copy for the next start.

import type { DeliveryBeacon } from '../../protocol/index.ts';
import type { AcceptedBeacon } from './accepted-beacon.ts';
import type { SessionRecord } from './telemetry-batch.ts';

/** A viewer is one whose last beacon is at most this old (three beacon intervals). */
export const viewerTimeoutMs = 15_000;

/** Beacons this far behind a session's newest cannot be told from repeats any more. */
export const sequenceWindow = 32;

export type SequenceVerdict = 'new' | 'repeated' | 'too-old';

export interface Audience {
  readonly viewers: number;
  readonly liveLatencySeconds: number | null;
}

export class SessionTable {
  readonly #records = new Map<string, SessionRecord>();
  readonly #maxSessions: number;

  constructor(maxSessions: number) {
    this.#maxSessions = maxSessions;
  }

  get size(): number {
    return this.#records.size;
  }

  get isFull(): boolean {
    return this.#records.size >= this.#maxSessions;
  }

  get(session: string): SessionRecord | undefined {
    return this.#records.get(session);
  }

  restore(records: readonly SessionRecord[]): void {
    for (const record of records.slice(0, this.#maxSessions)) {
      this.#records.set(record.session, record);
    }
  }

  /** Joins what another tracker has noted of a page view with what is known here. */
  learn(record: SessionRecord): void {
    const known = this.#records.get(record.session);
    if (known === undefined && this.isFull) return;
    this.#records.set(record.session, known === undefined ? record : joinRecords(known, record));
  }

  /** Notes a beacon whose verdict was `new`. */
  note(beacon: AcceptedBeacon, nowMs: number, viewerBucketAtMs: number): SessionRecord {
    const known = this.#records.get(beacon.session);
    const isNewest = known === undefined || beacon.sequence > known.highestSequence;
    const record: SessionRecord = {
      session: beacon.session,
      stream: isNewest ? beacon.stream : known.stream,
      highestSequence: isNewest ? beacon.sequence : known.highestSequence,
      seenMask: nextMask(known, beacon.sequence),
      lastSeenMs: nowMs,
      hasEnded: beacon.ended || (known?.hasEnded ?? false),
      viewerBucketAtMs,
      liveLatencyMs: isNewest ? beacon.liveLatencyMs : known.liveLatencyMs,
    };
    this.#records.set(beacon.session, record);
    return record;
  }

  /** Forgets sessions without a beacon for `timeoutMs`. */
  expire(nowMs: number, timeoutMs: number): void {
    for (const [session, record] of this.#records) {
      if (nowMs - record.lastSeenMs > timeoutMs) this.#records.delete(session);
    }
  }

  /** Who watches now, per stream. */
  audiences(nowMs: number): ReadonlyMap<string, Audience> {
    return audiencesOf(this.#records.values(), nowMs - viewerTimeoutMs);
  }
}

/** Per stream, the sessions that were seen since then and have not ended. */
export function audiencesOf(
  records: Iterable<SessionRecord>,
  seenSinceMs: number,
): ReadonlyMap<string, Audience> {
  const sums = new Map<string, { viewers: number; latencyMs: number; latencyCount: number }>();
  for (const record of records) {
    if (record.hasEnded || record.lastSeenMs < seenSinceMs) continue;
    const sum = sums.get(record.stream) ?? { viewers: 0, latencyMs: 0, latencyCount: 0 };
    sum.viewers += 1;
    if (record.liveLatencyMs !== null) {
      sum.latencyMs += record.liveLatencyMs;
      sum.latencyCount += 1;
    }
    sums.set(record.stream, sum);
  }
  return new Map(
    [...sums].map(([stream, { viewers, latencyMs, latencyCount }]) => [
      stream,
      {
        viewers,
        liveLatencySeconds: latencyCount === 0 ? null : latencyMs / latencyCount / 1_000,
      },
    ]),
  );
}

/** Was this beacon counted before? Looks only at the session's own numbers. */
export function judgeSequence(
  known: SessionRecord | undefined,
  sequence: DeliveryBeacon['sequence'],
): SequenceVerdict {
  if (known === undefined || sequence > known.highestSequence) return 'new';
  const age = known.highestSequence - sequence;
  if (age >= sequenceWindow) return 'too-old';
  return (known.seenMask >>> age) & 1 ? 'repeated' : 'new';
}

function nextMask(known: SessionRecord | undefined, sequence: number): number {
  if (known === undefined) return 1;
  const advance = sequence - known.highestSequence;
  if (advance <= 0) return (known.seenMask | (1 << -advance)) >>> 0;
  // JavaScript shifts by the lower five bits only, so 32 and more must not reach `<<`.
  return advance >= sequenceWindow ? 1 : ((known.seenMask << advance) | 1) >>> 0;
}

/** What both have counted, and the newer of what each says. */
export function joinRecords(a: SessionRecord, b: SessionRecord): SessionRecord {
  const [newer, older] = a.highestSequence >= b.highestSequence ? [a, b] : [b, a];
  const distance = newer.highestSequence - older.highestSequence;
  const olderMask = distance >= sequenceWindow ? 0 : older.seenMask << distance;
  return {
    ...newer,
    seenMask: (newer.seenMask | olderMask) >>> 0,
    lastSeenMs: Math.max(a.lastSeenMs, b.lastSeenMs),
    hasEnded: a.hasEnded || b.hasEnded,
    viewerBucketAtMs: Math.max(a.viewerBucketAtMs, b.viewerBucketAtMs),
  };
}
