// Leads who has started too close to the live edge to the distance that hls.js aims for, by playing a
// little slower. The session asks at every movement of the play head.

import type Hls from 'hls.js';

/** What is needed of hls.js. */
export type LiveDistance = Pick<Hls, 'latency' | 'targetLatency' | 'latestLevelDetails'>;

/** Slower than this is heard; the pitch stays. Four seconds of distance take 50 s. */
const slowRate = 0.92;
/** Nearer than the target by more than this, every segment is wanted before peers can bring it. */
const tooNearSeconds = 1.5;
const nearEnoughSeconds = 0.2;

/**
 * In the first seconds of a broadcast there is nothing three target durations behind the edge: hls.js
 * starts at the first segment and stays that close for ever, since it only ever plays faster.
 */
export class LiveApproach {
  #isSlow = false;

  /** Chooses the play rate; who plays at another rate than 1 has chosen it, and keeps it. */
  update(hls: LiveDistance, media: Pick<HTMLMediaElement, 'playbackRate'>): void {
    if (media.playbackRate !== (this.#isSlow ? slowRate : 1)) {
      this.#isSlow = false;
      return;
    }
    const isSlow = this.#shouldBeSlow(hls);
    if (isSlow === this.#isSlow) return;
    this.#isSlow = isSlow;
    media.playbackRate = isSlow ? slowRate : 1;
  }

  #shouldBeSlow({ latency, targetLatency, latestLevelDetails }: LiveDistance): boolean {
    if (!latestLevelDetails?.live || targetLatency === null || latency <= 0) return false;
    return latency < targetLatency - (this.#isSlow ? nearEnoughSeconds : tooNearSeconds);
  }
}
