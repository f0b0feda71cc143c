// Packets as the track receiver hands them to a depacketizer: in order, one frame after another,
// 3000 ticks apart. Depacketizer tests start from here.

import type { OrderedPacket } from '../../ingest/rtp/jitter-buffer.ts';

/** @param frames the payloads of each frame; the last one of each gets the marker */
export function orderedPackets(frames: readonly (readonly Uint8Array[])[]): OrderedPacket[] {
  let extendedSequenceNumber = 65_536;
  return frames.flatMap((payloads, frame) =>
    payloads.map((payload, index) => {
      extendedSequenceNumber += 1;
      return {
        extendedSequenceNumber,
        arrivalMs: frame * 33,
        packet: {
          payloadType: 96,
          marker: index === payloads.length - 1,
          sequenceNumber: extendedSequenceNumber & 0xffff,
          timestamp: frame * 3_000,
          ssrc: 1,
          payload,
          extensionProfile: 0,
          extensionData: new Uint8Array(0),
        },
      };
    }),
  );
}
