// What all video codecs share: packets of one timestamp make a frame, a broken frame and all that
// refer to it are dropped up to the next keyframe. Each codec reads payloads and closes frames.

import type { DepacketizedFrame, Depacketizer } from './depacketizer.ts';
import type { VideoConfiguration } from './encoded-frame.ts';
import type { OrderedPacket } from './jitter-buffer.ts';
import { distance32 } from './serial-arithmetic.ts';

/** A codec's own part: collects the payloads of one frame. */
export interface FrameCodec {
  /** One packet's payload; `false` when it cannot belong to a whole frame. */
  addPayload(payload: Uint8Array): boolean;
  /**
   * What was collected, and forgets it; also called, and not used, for broken frames.
   * @param followsLoss packets are missing right before the frame, perhaps of its beginning
   */
  takeFrame(followsLoss: boolean): AssembledFrame;
}

/** `whole` can be decoded by itself or after its references; `nothing` carried no picture. */
export type AssembledFrame =
  | { readonly outcome: 'nothing' }
  | { readonly outcome: 'broken' }
  | {
      readonly outcome: 'whole';
      readonly payload: Uint8Array;
      /** Set on keyframes. */
      readonly configuration: VideoConfiguration | null;
      /** Whether nothing refers to it, so that it can be left out; unknown when absent. */
      readonly isDisposable?: boolean;
    };

/** A keyframe of 8K video at a very high quality; more is an attack or a lost marker. */
const maxFrameBytes = 8 * 1024 * 1024;

interface OpenFrame {
  readonly rtpTimestamp: number;
  readonly arrivalMs: number;
  readonly followsLoss: boolean;
  sizeBytes: number;
  isBroken: boolean;
}

export class FrameAssembler implements Depacketizer {
  readonly #codec: FrameCodec;
  #open: OpenFrame | null = null;
  #needsKeyframe = true;
  #droppedFrames = 0;
  #reorderedFrames = 0;
  /** RTP timestamp of the latest frame given out since the last keyframe. */
  #latestTimestamp: number | null = null;
  #lossBefore = false;

  constructor(codec: FrameCodec) {
    this.#codec = codec;
  }

  get needsKeyframe(): boolean {
    return this.#needsKeyframe;
  }

  get droppedFrames(): number {
    return this.#droppedFrames;
  }

  get reorderedFrames(): number {
    return this.#reorderedFrames;
  }

  push(ordered: OrderedPacket): DepacketizedFrame[] {
    const { packet, arrivalMs } = ordered;
    if (packet.payload.length === 0) return []; // padding only
    const frames: DepacketizedFrame[] = [];
    if (this.#open !== null && this.#open.rtpTimestamp !== packet.timestamp) {
      this.#close(this.#open, frames);
    }
    const open = this.#open ?? {
      rtpTimestamp: packet.timestamp,
      arrivalMs,
      followsLoss: this.#lossBefore,
      sizeBytes: 0,
      isBroken: false,
    };
    this.#open = open;
    this.#lossBefore = false;
    open.sizeBytes += packet.payload.length;
    if (!open.isBroken) {
      open.isBroken = open.sizeBytes > maxFrameBytes || !this.#codec.addPayload(packet.payload);
    }
    if (packet.marker) this.#close(open, frames);
    return frames;
  }

  handleLoss(): void {
    this.#needsKeyframe = true;
    this.#lossBefore = true;
    if (this.#open !== null) this.#open.isBroken = true;
  }

  /**
   * B-frames have no place in WebRTC, where frames carry one time only: theirs run backwards, which
   * neither the timeline nor a transcoder that takes frames as they come can follow.
   */
  #isReordered(rtpTimestamp: number): boolean {
    return this.#latestTimestamp !== null && distance32(this.#latestTimestamp, rtpTimestamp) < 0;
  }

  #close(open: OpenFrame, frames: DepacketizedFrame[]): void {
    this.#open = null;
    const assembled = this.#codec.takeFrame(open.followsLoss);
    if (open.isBroken || assembled.outcome === 'broken') {
      this.#needsKeyframe = true;
      this.#droppedFrames += 1;
      return;
    }
    if (assembled.outcome === 'nothing') return;
    const isKeyframe = assembled.configuration !== null;
    if (isKeyframe) this.#needsKeyframe = false;
    if (this.#needsKeyframe) {
      this.#droppedFrames += 1;
      return;
    }
    if (!isKeyframe && this.#isReordered(open.rtpTimestamp)) {
      this.#droppedFrames += 1;
      this.#reorderedFrames += 1;
      if (assembled.isDisposable !== true) this.#needsKeyframe = true;
      return;
    }
    this.#latestTimestamp = open.rtpTimestamp;
    frames.push({
      rtpTimestamp: open.rtpTimestamp,
      arrivalMs: open.arrivalMs,
      isKeyframe,
      payload: assembled.payload,
      configuration: assembled.configuration,
    });
  }
}
