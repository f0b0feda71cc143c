// VP9 from RTP: real frames of libvpx, packed as RFC 9628 says in the styles that senders use,
// come out as they went in; what is cut off or refers to nothing does not.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Vp9Depacketizer } from '../../../ingest/rtp/vp9-depacketizer.ts';
import { parseVp9FrameHeader } from '../../../ingest/rtp/vp9-frame-header.ts';
import { encodeVp9 } from '../../support/encoded-samples.ts';
import { packVp9 } from '../../support/modern-codec-packetizer.ts';
import { orderedPackets } from '../../support/ordered-packets.ts';

const frames = encodeVp9('320x180', 12, 6);
const style = { isFlexible: true, hasLayers: true };

describe('the VP9 depacketizer', () => {
  it.each([
    { isFlexible: true, hasLayers: true },
    { isFlexible: false, hasLayers: true },
    { isFlexible: true, hasLayers: false },
    { isFlexible: false, hasLayers: false },
  ])('gives the frames of a sender with $isFlexible, $hasLayers back', (sender) => {
    const depacketizer = new Vp9Depacketizer();
    const payloads = frames.map((frame, index) => packVp9(frame, index, 400, sender));
    expect(payloads.some((packets) => packets.length > 1)).toBe(true);
    const given = orderedPackets(payloads).flatMap((packet) => depacketizer.push(packet));
    expect(given.map(({ payload }) => Buffer.from(payload))).toEqual(
      frames.map((frame) => Buffer.from(frame)),
    );
    const size = { widthPx: 320, heightPx: 180, decoderConfiguration: null };
    expect(given.map(({ configuration }) => configuration)).toEqual(
      frames.map((_frame, index) => (index % 6 === 0 ? size : null)),
    );
  });

  it('waits for a keyframe after a loss', () => {
    const depacketizer = new Vp9Depacketizer();
    const payloads = frames.map((frame, index) => packVp9(frame, index, 400, style));
    const given = orderedPackets(payloads).flatMap((packet, index) => {
      if (index !== 2) return depacketizer.push(packet);
      depacketizer.handleLoss();
      return [];
    });
    expect(given.map(({ isKeyframe }) => isKeyframe)).toEqual([
      true,
      false,
      false,
      false,
      false,
      false,
    ]);
    expect(depacketizer.needsKeyframe).toBe(false);
    expect(depacketizer.droppedFrames).toBe(6);
  });

  it('takes the base of several spatial layers', () => {
    const depacketizer = new Vp9Depacketizer();
    const [base = new Uint8Array()] = packVp9(frames[0] ?? new Uint8Array(), 0, 60_000, style);
    const higher = Buffer.from(base);
    higher[3] = 1 << 1; // spatial layer 1
    const given = orderedPackets([[base, higher]]).flatMap((packet) => depacketizer.push(packet));
    expect(given.map(({ payload }) => payload.length)).toEqual([frames[0]?.length]);
  });

  it('never fails, whatever the bytes', () => {
    const all = frames.flatMap((frame, index) => packVp9(frame, index, 400, style));
    const damaged = fc
      .tuple(fc.constantFrom(...all), fc.nat(40), fc.nat(255))
      .map(([packet, at, value]) => Buffer.from(packet.with(at % packet.length, value)));
    fc.assert(
      fc.property(fc.array(fc.oneof(damaged, fc.uint8Array({ maxLength: 30 }))), (payloads) => {
        const depacketizer = new Vp9Depacketizer();
        for (const packet of orderedPackets([payloads])) depacketizer.push(packet);
      }),
      { numRuns: 300 },
    );
    expect(parseVp9FrameHeader(Uint8Array.of(0x80))).toBeNull();
  });
});
