// Pure: holds the first frames of a broadcast until it is known where zero is, whether there is sound
// and how many pictures a second there are. The transcoder takes them back when it starts ffmpeg.

import { usualFrameRate } from '../hls/frame-rate.ts';
import type { EncodedFrame, EncodedVideoFrame } from '../rtp/encoded-frame.ts';

/** Longest wait after the first keyframe, for sound and for the pace of the pictures. */
export const maxPrerollMs = 1_000;
/** So many pictures show their pace: at 30 a second a quarter of a second. */
const pacePictures = 8;
/** Where too few pictures came to tell. */
const assumedFrameRate = 30;
/** Most bytes to hold; a source that sends more than this while waiting starts without sound. */
const maxHeldBytes = 8 * 1024 * 1024;

export interface PrerollResult {
  readonly frames: readonly EncodedFrame[];
  /** Capture time of the broadcast's zero: the first keyframe, or without video the first packet. */
  readonly originTimeMs: number;
  readonly firstKeyframe: EncodedVideoFrame | null;
  readonly hasAudio: boolean;
  /** Pictures per second, as far as the first ones show. */
  readonly frameRate: number;
}

export class FramePreroll {
  readonly #expected: { readonly hasVideo: boolean; readonly hasAudio: boolean };
  #frames: EncodedFrame[] = [];
  #heldBytes = 0;
  #firstKeyframe: EncodedVideoFrame | null = null;
  #hasAudio = false;
  #pictureCount = 0;

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
    if (this.#heldBytes > maxHeldBytes) return true;
    const knowsSound = !this.#expected.hasAudio || this.#hasAudio;
    return knowsSound && this.#pictureCount >= pacePictures;
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
      this.#pictureCount += 1;
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
      frameRate: frameRateOf(frames),
    };
  }
}

/** By the median distance: the first pictures of a publisher come unevenly. */
function frameRateOf(frames: readonly EncodedFrame[]): number {
  const timesMs = frames
    .filter(({ kind }) => kind === 'video')
    .map(({ captureTimeMs }) => captureTimeMs)
    .toSorted((a, b) => a - b);
  const distancesMs = timesMs.slice(1).map((timeMs, index) => timeMs - (timesMs[index] ?? 0));
  const medianMs = distancesMs.toSorted((a, b) => a - b)[distancesMs.length >> 1];
  return medianMs === undefined || medianMs <= 0
    ? assumedFrameRate
    : usualFrameRate(1_000 / medianMs);
}
