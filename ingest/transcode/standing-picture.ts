// Pure: the last keyframe shown again while the source has sound and no pictures, as with a camera that
// is off: segments end at pictures, so without any the sound would not reach viewers either. The
// mirror of `silence.ts`; the transcoder writes what it gives.

import type { EncodedVideoFrame } from '../rtp/encoded-frame.ts';

/**
 * How far the pictures of a source that has any may lie behind its sound; then they have stalled. A
 * screen that does not change is sent once a second.
 */
const maxPictureDelayMs = 2_000;
/** Segments are cut at pictures: this plus their distance is below the longest that one may be. */
const stepMs = 300;
/** After a stall of both only so much is written out. */
const maxBurstMs = 3_000;

export interface StandingPictureBlock {
  readonly timeMs: number;
  readonly keyframe: EncodedVideoFrame;
}

export class StandingPicture {
  #keyframe: EncodedVideoFrame | null = null;
  #nextMs = 0;
  #isStanding = false;

  /** Whether the decoder has had this picture last: what follows must not refer to another. */
  get isStanding(): boolean {
    return this.#isStanding;
  }

  /** A picture of the source was written. */
  see(frame: EncodedVideoFrame, timeMs: number): void {
    if (frame.isKeyframe) {
      this.#keyframe = frame;
      this.#isStanding = false;
    }
    this.#nextMs = timeMs + stepMs;
  }

  /** What sound at `timeMs` shows to be missing, and was not given yet. */
  beside(timeMs: number): readonly StandingPictureBlock[] {
    return this.#until(timeMs - maxPictureDelayMs);
  }

  /** What is missing before a picture at `timeMs`, where the picture stands. */
  before(timeMs: number): readonly StandingPictureBlock[] {
    return this.#isStanding ? this.#until(timeMs - stepMs) : [];
  }

  #until(untilMs: number): readonly StandingPictureBlock[] {
    const keyframe = this.#keyframe;
    const blocks: StandingPictureBlock[] = [];
    if (keyframe === null || this.#nextMs > untilMs) return blocks;
    this.#nextMs = Math.max(this.#nextMs, untilMs - maxBurstMs);
    for (; this.#nextMs <= untilMs; this.#nextMs += stepMs) {
      blocks.push({ timeMs: this.#nextMs, keyframe });
    }
    this.#isStanding = true;
    return blocks;
  }
}
