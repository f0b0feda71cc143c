// What a simulated swarm cost the CDN and its viewers, gathered while it runs and summed up at the
// end. Written by the simulator, read by the benchmark and the tests.

import type { FetchReason } from '../../player/delivery/scheduler/scheduler-actions.ts';

export interface SwarmOutcome {
  /** CDN bytes in the measured time per segment published in it. */
  readonly copies: number;
  /** 95th percentile over the segments. */
  readonly copiesP95: number;
  readonly offload: number;
  /** Of the viewers who do not cheat. */
  readonly honestOffload: number;
  readonly viewers: number;
  /** The best that the viewers and their uplinks allow. */
  readonly limit: number;
  readonly copiesByReason: Readonly<Partial<Record<FetchReason, number>>>;
  /** Copies that cheating viewers took for themselves; part of `copies`. */
  readonly copiesByCheats: number;
  readonly stallSecondsPerViewerMinute: number;
  readonly lateSegments: number;
  /** From publication to completion. */
  readonly storedAfterMs: number;
  readonly discardedShare: number;
  readonly messagesPerViewerSecond: number;
  /** Jain's index of what the capable viewers uploaded. */
  readonly fairness: number;
  readonly events: number;
}

export interface SwarmSize {
  readonly segmentBytes: number;
  readonly targetDurationMs: number;
  readonly fromMs: number;
  readonly untilMs: number;
}

export class OutcomeRecorder {
  readonly #size: SwarmSize;
  readonly #byReason = new Map<FetchReason, number>();
  readonly #bySegment = new Map<number, number>();
  readonly #storedAfterMs: number[] = [];
  #cheatBytes = 0;
  #discardedBytes = 0;
  #messages = 0;
  #stallMs = 0;
  #lateSegments = 0;
  #viewerMs = 0;
  #cheatMs = 0;

  constructor(size: SwarmSize) {
    this.#size = size;
  }

  fetched(nowMs: number, segment: number, bytes: number, reason: FetchReason, cheat: boolean) {
    if (!this.#isMeasured(nowMs)) return;
    this.#byReason.set(reason, (this.#byReason.get(reason) ?? 0) + bytes);
    this.#bySegment.set(segment, (this.#bySegment.get(segment) ?? 0) + bytes);
    if (cheat) this.#cheatBytes += bytes;
  }

  discarded(nowMs: number, bytes: number): void {
    if (this.#isMeasured(nowMs)) this.#discardedBytes += bytes;
  }

  message(nowMs: number): void {
    if (this.#isMeasured(nowMs)) this.#messages += 1;
  }

  stored(nowMs: number, afterMs: number): void {
    if (this.#isMeasured(nowMs)) this.#storedAfterMs.push(afterMs);
  }

  stalled(nowMs: number, tookMs: number): void {
    if (!this.#isMeasured(nowMs)) return;
    this.#stallMs += tookMs;
    this.#lateSegments += 1;
  }

  /** A viewer was there from one time to another. */
  present(fromMs: number, untilMs: number, isCheat: boolean): void {
    const { fromMs: first, untilMs: last } = this.#size;
    const spanMs = Math.max(0, Math.min(untilMs, last) - Math.max(fromMs, first));
    this.#viewerMs += spanMs;
    if (isCheat) this.#cheatMs += spanMs;
  }

  /**
   * @param uplinkRatio mean uplink as a multiple of the stream
   * @param uploadedBytes of each capable viewer who was there all the time
   */
  summary(uplinkRatio: number, uploadedBytes: readonly number[], events: number): SwarmOutcome {
    const { segmentBytes, targetDurationMs, fromMs, untilMs } = this.#size;
    const spanMs = untilMs - fromMs;
    const segments = spanMs / targetDurationMs;
    const viewers = this.#viewerMs / spanMs;
    const toCopies = (bytes: number): number => bytes / segmentBytes / segments;
    const copiesByReason: Partial<Record<FetchReason, number>> = {};
    let bytes = 0;
    for (const [reason, sizeBytes] of this.#byReason) {
      copiesByReason[reason] = toCopies(sizeBytes);
      bytes += sizeBytes;
    }
    const copies = toCopies(bytes);
    return {
      copies,
      copiesP95: percentile([...this.#bySegment.values()], 0.95) / segmentBytes,
      offload: 1 - copies / viewers,
      honestOffload: 1 - (copies - toCopies(this.#cheatBytes)) / (viewers - this.#cheatMs / spanMs),
      viewers,
      limit: Math.min(1 - (1 + (copiesByReason.start ?? 0)) / viewers, uplinkRatio),
      copiesByReason,
      copiesByCheats: toCopies(this.#cheatBytes),
      stallSecondsPerViewerMinute: (this.#stallMs / 1_000) * (60_000 / this.#viewerMs),
      lateSegments: this.#lateSegments,
      storedAfterMs: percentile(this.#storedAfterMs, 0.5),
      discardedShare: this.#discardedBytes / (segmentBytes * segments * viewers),
      messagesPerViewerSecond: (this.#messages / this.#viewerMs) * 1_000,
      fairness: jain(uploadedBytes),
      events,
    };
  }

  #isMeasured(nowMs: number): boolean {
    return nowMs >= this.#size.fromMs && nowMs < this.#size.untilMs;
  }
}

/** 1 when all values are equal, 1/n when one has it all. */
export function jain(values: readonly number[]): number {
  const sum = values.reduce((total, value) => total + value, 0);
  const squares = values.reduce((total, value) => total + value * value, 0);
  return squares === 0 ? 1 : (sum * sum) / (values.length * squares);
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}
