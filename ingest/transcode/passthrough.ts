// Pure: whether a publisher's pictures can go to viewers as they are, and for how long. The
// transcoder asks it at the first keyframe, the broadcast before each frame that follows.

import { longestSegmentSeconds } from '../hls/target-duration.ts';
import type { EncodedFrame, EncodedVideoFrame } from '../rtp/encoded-frame.ts';
import { parseSequenceParameters } from '../rtp/h264-sequence-parameters.ts';

/** Baseline, main and high: what every browser plays. */
const playableProfiles = new Set([66, 77, 100]);

/** The first SPS of an AVCDecoderConfigurationRecord (ISO/IEC 14496-15 §5.3.3.1). */
function firstSequenceParameterSet(configuration: Uint8Array): Uint8Array | null {
  const length = ((configuration[6] ?? 0) << 8) | (configuration[7] ?? 0);
  const count = (configuration[5] ?? 0) & 0x1f;
  return count === 0 || length === 0 ? null : configuration.subarray(8, 8 + length);
}

/**
 * H.264 that every player decodes: 8 bits, 4:2:0, whole frames, none of them reordered. Frames of
 * a publisher carry one time each, so with B-frames there would be nothing to order them by.
 */
export function isPassable(frame: EncodedVideoFrame | null): boolean {
  const configuration = frame?.configuration?.decoderConfiguration ?? null;
  if (frame?.codec !== 'h264' || configuration === null) return false;
  const unit = firstSequenceParameterSet(configuration);
  const set = unit === null ? null : parseSequenceParameters(unit);
  return (
    set !== null &&
    playableProfiles.has(set.profileIdc) &&
    set.chromaFormatIdc === 1 &&
    set.bitDepthLuma === 8 &&
    set.bitDepthChroma === 8 &&
    !set.isInterlaced &&
    set.maxReorderedPictures === 0
  );
}

/** What a frame means for an encoding that runs. */
export type PassthroughVerdict =
  | 'goes-on'
  /** The source has a new configuration, which needs an init section of its own. */
  | 'changed'
  /** The source has to be turned in another way, or not any more. */
  | 'turned'
  /** The source lets segments become longer than the target duration: it has to be encoded. */
  | 'keyframes-too-rare';

/** Watches one source from its first keyframe on. */
export class PassthroughWatch {
  readonly #longestMs: number;
  #configuration: Uint8Array | null = null;
  #lastKeyframeMs: number | null = null;
  #lastFrameMs = 0;

  constructor(segmentSeconds: number) {
    this.#longestMs = longestSegmentSeconds(segmentSeconds) * 1000;
  }

  /** Judges the next frame; only keyframes bring bad news, since only there another one can start. */
  judge(frame: EncodedFrame): PassthroughVerdict {
    if (frame.kind === 'audio') return 'goes-on';
    const [lastKeyframeMs, lastFrameMs] = [this.#lastKeyframeMs, this.#lastFrameMs];
    this.#lastFrameMs = frame.captureTimeMs;
    // A source that stalled is not to blame, whatever it goes on with.
    if (frame.captureTimeMs - lastFrameMs > this.#longestMs) {
      this.#lastKeyframeMs = frame.captureTimeMs;
    }
    const configuration = frame.configuration?.decoderConfiguration ?? null;
    if (!frame.isKeyframe || configuration === null) return 'goes-on';
    this.#lastKeyframeMs = frame.captureTimeMs;
    const known = this.#configuration;
    this.#configuration = configuration;
    if (known === null || lastKeyframeMs === null) return 'goes-on';
    // Up to the last frame before: a source that stalled is not to blame.
    if (lastFrameMs - lastKeyframeMs > this.#longestMs) return 'keyframes-too-rare';
    return Buffer.compare(known, configuration) === 0 ? 'goes-on' : 'changed';
  }
}
