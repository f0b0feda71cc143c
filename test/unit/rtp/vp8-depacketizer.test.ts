// VP8 frames out of packets of real video: byte for byte, with their size, and never broken.

import { describe, expect, it } from 'vitest';
import { Vp8Depacketizer } from '../../../ingest/rtp/vp8-depacketizer.ts';
import { encodeVp8 } from '../../support/encoded-samples.ts';
import { orderedPackets } from '../../support/ordered-packets.ts';
import { packVp8 } from '../../support/rtp-packetizer.ts';

const video = encodeVp8('322x182', 12, 5);
const packed = video.map((frame, index) => packVp8(frame, 32_765 + index, 500));

describe('the VP8 depacketizer', () => {
  it('gives every frame byte for byte, keyframes with their size', () => {
    const depacketizer = new Vp8Depacketizer();
    const frames = orderedPackets(packed).flatMap((packet) => depacketizer.push(packet));
    expect(frames.map(({ payload }) => Buffer.from(payload).toString('base64'))).toEqual(
      video.map((frame) => Buffer.from(frame).toString('base64')),
    );
    const keyframes = frames.filter(({ isKeyframe }) => isKeyframe);
    expect(keyframes.length).toBeGreaterThanOrEqual(3);
    for (const { configuration } of keyframes) {
      expect(configuration).toEqual({ widthPx: 322, heightPx: 182, decoderConfiguration: null });
    }
    expect(frames.filter(({ isKeyframe, configuration }) => !isKeyframe && configuration)).toEqual(
      [],
    );
  });

  it('reads every form of the payload descriptor', () => {
    const [frame = new Uint8Array(0)] = video;
    const descriptors = [
      [0x10],
      [0x90, 0x00],
      [0x90, 0x80, 0x11],
      [0x90, 0x80, 0x91, 0x12],
      [0x90, 0x40, 0x01],
      [0x90, 0x20, 0x40],
      [0x90, 0xf0, 0x91, 0x12, 0x01, 0x40],
    ];
    for (const descriptor of descriptors) {
      const depacketizer = new Vp8Depacketizer();
      const payload = Buffer.concat([Uint8Array.from(descriptor), frame]);
      const frames = orderedPackets([[payload]]).flatMap((packet) => depacketizer.push(packet));
      expect(Buffer.from(frames[0]?.payload ?? []).equals(frame)).toBe(true);
    }
  });

  it('drops everything from a loss to the next keyframe', () => {
    const packets = orderedPackets(packed);
    for (const [lost] of packets.entries()) {
      const depacketizer = new Vp8Depacketizer();
      const frames = packets.flatMap((packet, index) => {
        if (index !== lost) return depacketizer.push(packet);
        depacketizer.handleLoss();
        return [];
      });
      const lostFrame = (packets[lost]?.packet.timestamp ?? 0) / 3_000;
      const isKeyframe = (index: number): boolean => ((video[index]?.[0] ?? 1) & 1) === 0;
      const resumed = video.findIndex((_, index) => index > lostFrame && isKeyframe(index));
      const expected = video.flatMap((_, index) =>
        index < lostFrame || (resumed !== -1 && index >= resumed) ? [index * 3_000] : [],
      );
      expect(frames.map(({ rtpTimestamp }) => rtpTimestamp)).toEqual(expected);
    }
  });

  it('does not begin in the middle of a frame', () => {
    const [first = []] = packed;
    const depacketizer = new Vp8Depacketizer();
    const frames = orderedPackets([first.slice(1)]).flatMap((packet) => depacketizer.push(packet));
    expect(first.length).toBeGreaterThan(1);
    expect(frames).toEqual([]);
    expect(depacketizer.needsKeyframe).toBe(true);
  });
});
