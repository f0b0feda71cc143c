// The load statistics that hls.js reads from a loader. While delivery waits for peers the load
// counts as not begun, so that hls.js's ABR does not take waiting for a slow network.

import type { LoaderStats } from 'hls.js';
import type { DeliveredSegment } from '../delivery-events.ts';
import type { ArrivingSegment } from '../segment-progress.ts';

/** What hls.js's ABR believes now; a segment from a peer must not change it. */
export interface NetworkEstimate {
  readonly throughputBps: number;
  readonly firstByteMs: number;
}

class LoadingTimes {
  first = 0;
  end = 0;
  readonly #nowMs: () => number;
  #startedAtMs: number | null = null;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get start(): number {
    return this.#startedAtMs ?? this.#nowMs();
  }

  set start(value: number) {
    this.#startedAtMs = value;
  }
}

export class DeliveryLoadStats implements LoaderStats {
  aborted = false;
  loaded = 0;
  total = 0;
  retry = 0;
  chunkCount = 0;
  bwEstimate = 0;
  readonly loading: LoadingTimes;
  readonly parsing = { start: 0, end: 0 };
  readonly buffering = { start: 0, first: 0, end: 0 };
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.loading = new LoadingTimes(nowMs);
  }

  /** The CDN alone is bringing the segment: hls.js may see it, and give up what comes too slowly. */
  arrive({ startBytes, sizeBytes, transfer }: ArrivingSegment): void {
    if (!transfer) return;
    this.loading.start = transfer.startedAtMs;
    this.loading.first = transfer.firstByteAtMs;
    this.loaded = startBytes;
    this.total = sizeBytes;
  }

  /**
   * The load is done. A transfer from the CDN is shown as it was; one from a peer as if the network
   * had done exactly what hls.js already believes of it.
   */
  finish(delivered: DeliveredSegment, estimate: NetworkEstimate): void {
    const sizeBytes = delivered.bytes.byteLength;
    this.loaded = sizeBytes;
    this.total = sizeBytes;
    if (delivered.transfer) {
      this.loading.start = delivered.transfer.startedAtMs;
      this.loading.first = delivered.transfer.firstByteAtMs;
      this.loading.end = delivered.transfer.finishedAtMs;
      return;
    }
    const endMs = this.#nowMs();
    const transferMs = (sizeBytes * 8_000) / Math.max(1, estimate.throughputBps);
    this.loading.end = endMs;
    this.loading.first = endMs - transferMs;
    this.loading.start = endMs - transferMs - estimate.firstByteMs;
  }
}
