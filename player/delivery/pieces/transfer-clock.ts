// Measures how fast the CDN has sent a segment, from the largest of the ranges it was asked for: what
// hls.js's ABR may know of this viewer's network. Owned by piece-segment.

import type { DeliveredSegment } from '../delivery-events.ts';

type Transfer = NonNullable<DeliveredSegment['transfer']>;

/** One range from the CDN; the clock alone changes it. */
export interface RangeTimes {
  readonly startedAtMs: number;
  firstByteAtMs: number;
  /** 0 while it is under way. */
  endedAtMs: number;
  sizeBytes: number;
}

/** Shorter ranges come in a burst, and their times say more about the page than about the line. */
const leastMeasuredBytes = 128 * 1024;

export class TransferClock {
  readonly #segmentSizeBytes: number;
  #largest: RangeTimes | null = null;

  constructor(segmentSizeBytes: number) {
    this.#segmentSizeBytes = segmentSizeBytes;
  }

  /** The first byte of a range is there. */
  begin(startedAtMs: number, sizeBytes: number, nowMs: number): RangeTimes {
    const range = { startedAtMs, firstByteAtMs: nowMs, endedAtMs: 0, sizeBytes };
    if (sizeBytes > (this.#largest?.sizeBytes ?? 0)) this.#largest = range;
    return range;
  }

  /** The range has ended, after `receivedBytes`. */
  end(range: RangeTimes, receivedBytes: number, nowMs: number): void {
    range.endedAtMs = nowMs;
    range.sizeBytes = receivedBytes;
  }

  /** The range under way that brings the whole segment, `null` without one. */
  underWay(): Transfer | null {
    const range = this.#largest;
    if (!range || range.endedAtMs > 0 || range.sizeBytes < this.#segmentSizeBytes) return null;
    const { startedAtMs, firstByteAtMs } = range;
    return { startedAtMs, firstByteAtMs, finishedAtMs: 0 };
  }

  /** The segment as one transfer that ends now at that speed; `null` when it was not measured. */
  whole(nowMs: number): Transfer | null {
    const range = this.#largest;
    if (!range) return null;
    const isWhole = range.sizeBytes >= this.#segmentSizeBytes;
    if (!isWhole && range.sizeBytes < Math.max(leastMeasuredBytes, this.#segmentSizeBytes / 2))
      return null;
    const endedAtMs = range.endedAtMs || nowMs;
    const rangeMs = Math.max(1, endedAtMs - range.firstByteAtMs);
    const firstByteAtMs = nowMs - (rangeMs * this.#segmentSizeBytes) / Math.max(1, range.sizeBytes);
    const startedAtMs = firstByteAtMs - (range.firstByteAtMs - range.startedAtMs);
    return { startedAtMs, firstByteAtMs, finishedAtMs: nowMs };
  }
}
