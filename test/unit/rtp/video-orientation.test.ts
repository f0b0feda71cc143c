// How a picture has to be turned: the byte of 3GPP TS 26.114, and which pictures it is for.

import { describe, expect, it } from 'vitest';
import { RtpReceiver } from '../../../ingest/rtp/receiver.ts';
import { parseVideoOrientation } from '../../../ingest/rtp/video-orientation.ts';
import { encodeVp8 } from '../../support/encoded-samples.ts';
import { orientationExtensionId, packVp8, writeRtpPacket } from '../../support/rtp-packetizer.ts';

/** What the receiver says of pictures whose last packets carry these bytes; `null` for none. */
function rotationsOf(orientations: readonly (number | null)[], isNegotiated = true) {
  const receiver = new RtpReceiver({
    tracks: [
      {
        ...{ kind: 'video', codec: 'vp8', payloadType: 96, retransmissionPayloadType: null },
        ...{ clockRateHz: 90_000, canRequestRetransmission: false },
        orientationExtensionId: isNegotiated ? orientationExtensionId : null,
      },
    ],
    ...{ transportSequenceExtensionId: null, senderSsrc: 1, keyframeIntervalMs: 2_000 },
  });
  const pictures = encodeVp8('320x180', orientations.length, 1);
  let sequenceNumber = 0;
  return pictures.flatMap((picture, index) => {
    const payloads = packVp8(picture, index, 300);
    return payloads.flatMap((payload, part) => {
      const marker = part === payloads.length - 1;
      const orientation = marker ? (orientations[index] ?? null) : null;
      sequenceNumber += 1;
      const datagram = writeRtpPacket({
        ...{ payloadType: 96, sequenceNumber, timestamp: index * 3_000, ssrc: 7, marker, payload },
        ...(orientation === null ? {} : { orientation }),
      });
      return receiver
        .handlePacket(datagram, 1_700_000_000_000 + index * 33)
        .map((frame) => (frame.kind === 'video' ? frame.rotation : 'sound'));
    });
  });
}

describe('the orientation of a picture', () => {
  it('is in the last two bits, whatever the camera and its flip', () => {
    const bytes = [0b0000, 0b0001, 0b0010, 0b0011, 0b1001, 0b0110];
    expect(bytes.map((byte) => parseVideoOrientation(Uint8Array.of(byte)))).toEqual([
      ...[0, 90, 180, 270],
      ...[90, 180],
    ]);
    expect(parseVideoOrientation(new Uint8Array(0))).toBe(0);
  });

  it('is that of the picture whose last packet says it, and of those that follow', () => {
    expect(rotationsOf([1, null, 3, null, 0, null])).toEqual([90, 90, 270, 270, 0, 0]);
  });

  it('is none where it was not negotiated', () => {
    expect(rotationsOf([1, 1], false)).toEqual([0, 0]);
  });
});
