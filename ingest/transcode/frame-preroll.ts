// Pure: holds the first frames of a broadcast until it is known where zero is and whether there is
// sound. The transcoder takes the frames back when it starts ffmpeg.

import type { EncodedFrame, EncodedVideoFrame } from '../rtp/encoded-frame.ts';

/** Longest wait for the first packet of sound after the first keyframe, in milliseconds. */
export const maxAudioWaitMs = 1_000;
/** Most bytes to hold; a source that sends more than this while waiting starts without sound. */
const maxHeldBytes = 8 * 1024 * 1024;

export interface PrerollResult {
  readonly frames: readonly EncodedFrame[];
  /** Capture time of the broadcast's zero: the first keyframe, or without video the first packet. */
  readonly originTimeMs: number;
  readonly firstKeyframe: EncodedVideoFrame | null;
  readonly hasAudio: boolean;
}

export class FramePreroll {
  readonly #expected: { readonly hasVideo: boolean; readonly hasAudio: boolean };
  #frames: EncodedFrame[] = [];
  #heldBytes = 0;
  #firstKeyframe: EncodedVideoFrame | null = null;
  #hasAudio = false;

  constructor(expected: { readonly hasVideo: boolean; readonly hasAudio: boolean }) {
    this.#expected = expected;
  }

  /** Whether the first picture is here, so that only sound is waited for. */
  get hasKeyframe(): boolean {
    return this.#firstKeyframe !== null;
  }

  /** Whether nothing more is to be waited for. */
  get isComplete(): boolean {
    if (!this.#expected.hasVideo) return this.#hasAudio;
    if (this.#firstKeyframe === null) return false;
    return !this.#expected.hasAudio || this.#hasAudio || this.#heldBytes > maxHeldBytes;
  }

  /** Holds a frame, or drops it when nothing could be decoded from it. */
  push(frame: EncodedFrame): void {
    if (frame.kind === 'audio') {
      if (!this.#expected.hasAudio) return;
      this.#hasAudio = true;
      // Before the first picture only the fact counts: sound begins with it.
      if (this.#expected.hasVideo && this.#firstKeyframe === null) return;
    } else {
      if (!this.#expected.hasVideo) return;
      if (this.#firstKeyframe === null) {
        if (!frame.isKeyframe || frame.configuration === null) return;
        this.#firstKeyframe = frame;
      }
    }
    this.#frames.push(frame);
    this.#heldBytes += frame.payload.length;
  }

  /** The frames in order of arrival, or `null` when there is nothing to start with. */
  take(): PrerollResult | null {
    const frames = this.#frames;
    const first = this.#firstKeyframe ?? frames[0];
    this.#frames = [];
    if (first === undefined) return null;
    return {
      frames,
      originTimeMs: first.captureTimeMs,
      firstKeyframe: this.#firstKeyframe,
      hasAudio: this.#hasAudio,
    };
  }
}
