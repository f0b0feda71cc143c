// Opus from RTP (RFC 7587 §4.2): one packet is one frame, and a lost one harms no other. The
// receiver puts the frames on the timeline; gaps are filled where the audio is decoded.

import type { DepacketizedFrame, Depacketizer } from './depacketizer.ts';
import type { OrderedPacket } from './jitter-buffer.ts';

export class OpusDepacketizer implements Depacketizer {
  readonly needsKeyframe = false;
  readonly droppedFrames = 0;
  readonly reorderedFrames = 0;

  push({ packet, arrivalMs }: OrderedPacket): DepacketizedFrame[] {
    if (packet.payload.length === 0) return []; // padding only
    return [
      {
        rtpTimestamp: packet.timestamp,
        arrivalMs,
        isKeyframe: true,
        payload: packet.payload.slice(),
        configuration: null,
      },
    ];
  }

  handleLoss(): void {
    // Every packet can be decoded by itself.
  }
}
