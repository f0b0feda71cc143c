// What every codec's depacketizer offers: packets in order go in, whole frames come out. The
// receiver tells it of losses and asks the sender for a keyframe when it needs one.

import type { VideoConfiguration } from './encoded-frame.ts';
import type { OrderedPacket } from './jitter-buffer.ts';

/** A whole frame, still on the sender's RTP clock. */
export interface DepacketizedFrame {
  readonly rtpTimestamp: number;
  /** When its first packet arrived. */
  readonly arrivalMs: number;
  readonly isKeyframe: boolean;
  readonly payload: Uint8Array;
  readonly configuration: VideoConfiguration | null;
}

export interface Depacketizer {
  /** Whether nothing can be given out until the sender makes a keyframe. */
  readonly needsKeyframe: boolean;
  /** Frames thrown away because they, or what they refer to, were not whole. */
  readonly droppedFrames: number;
  /** Of the dropped ones, those to be shown before their predecessor (B-frames). */
  readonly reorderedFrames: number;
  /** The frames that this packet completes: none, one, or two when a marker was missing. */
  push(ordered: OrderedPacket): DepacketizedFrame[];
  /** Packets are missing before the next one. */
  handleLoss(): void;
}
