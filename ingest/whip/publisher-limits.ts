// Pure: whether a publisher sends more than it may, in bits or in lines. The session asks it for
// every frame and ends when it says so.

import type { EncodedFrame } from '../rtp/encoded-frame.ts';

export interface PublisherLimits {
  /** Of picture and sound together; announced in the answer. */
  readonly maxBitrateBps: number;
  /** Of the shorter side of the picture. */
  readonly maxLines: number;
}

/** Bursts are averaged over so long: a keyframe, a scene cut, what was held up on the way. */
const windowMs = 10_000;
/** Publishers probe a bit above what they are told, and retransmit. */
const tolerance = 1.25;

export class PublisherLimitWatch {
  readonly #limits: PublisherLimits;
  #windowStartMs: number | null = null;
  #windowBytes = 0;

  constructor(limits: PublisherLimits) {
    this.#limits = limits;
  }

  /** What is exceeded, in words for the log; `null` while all is within the limits. */
  exceeded(frame: EncodedFrame, nowMs: number): string | null {
    const { maxBitrateBps, maxLines } = this.#limits;
    const configuration = frame.kind === 'video' ? frame.configuration : null;
    if (configuration !== null) {
      const lines = Math.min(configuration.widthPx, configuration.heightPx);
      if (lines > maxLines) return `a picture of ${lines} lines`;
    }
    this.#windowStartMs ??= nowMs;
    this.#windowBytes += frame.payload.length;
    const elapsedMs = nowMs - this.#windowStartMs;
    if (elapsedMs < windowMs) return null;
    const bitrateBps = (this.#windowBytes * 8_000) / elapsedMs;
    this.#windowStartMs = nowMs;
    this.#windowBytes = 0;
    return bitrateBps > maxBitrateBps * tolerance
      ? `${Math.round(bitrateBps / 1_000)} kbit/s`
      : null;
  }
}
