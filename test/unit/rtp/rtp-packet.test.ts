// RTP headers in all their variants, and arbitrary bytes, which must never do harm.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headerExtension, isRtcp, parseRtpPacket } from '../../../ingest/rtp/rtp-packet.ts';

function packetWith(extension: readonly number[], profile: number): Uint8Array {
  const words = extension.length / 4;
  return Uint8Array.of(
    ...[0x90, 0xe0, 0x12, 0x34, 0, 0, 0, 7, 0, 0, 0, 9],
    ...[profile >> 8, profile & 0xff, 0, words],
    ...extension,
    ...[1, 2, 3],
  );
}

describe('an RTP packet', () => {
  it('is read with its fields, contributing sources and padding', () => {
    const bytes = Uint8Array.of(
      ...[0xa1, 0x60, 0xff, 0xfe, 0x80, 0, 0, 1, 0xde, 0xad, 0xbe, 0xef],
      ...[0, 0, 0, 1], // one CSRC
      ...[5, 6, 0, 0, 3], // two bytes of payload, three of padding
    );
    expect(parseRtpPacket(bytes)).toMatchObject({
      payloadType: 96,
      marker: false,
      sequenceNumber: 0xfffe,
      timestamp: 0x8000_0001,
      ssrc: 0xdeadbeef,
      payload: Uint8Array.of(5, 6),
    });
  });

  it('gives one-byte header extensions, past padding and up to the reserved identifier', () => {
    const packet = parseRtpPacket(
      packetWith([0x00, 0x10, 0xaa, 0x31, 0x12, 0x34, 0xf0, 0x52], 0xbede),
    );
    expect(packet).not.toBeNull();
    if (packet === null) return;
    expect(packet.marker).toBe(true);
    expect(packet.payload).toEqual(Uint8Array.of(1, 2, 3));
    expect(headerExtension(packet, 1)).toEqual(Uint8Array.of(0xaa));
    expect(headerExtension(packet, 3)).toEqual(Uint8Array.of(0x12, 0x34));
    expect(headerExtension(packet, 5)).toBeNull();
  });

  it('gives two-byte header extensions', () => {
    const packet = parseRtpPacket(packetWith([7, 0, 200, 2, 0x56, 0x78, 0, 0], 0x1000));
    expect(packet).not.toBeNull();
    if (packet === null) return;
    expect(headerExtension(packet, 7)).toEqual(new Uint8Array(0));
    expect(headerExtension(packet, 200)).toEqual(Uint8Array.of(0x56, 0x78));
    expect(headerExtension(packet, 8)).toBeNull();
  });

  it('is refused when something reaches past its end', () => {
    expect(parseRtpPacket(new Uint8Array(11))).toBeNull();
    const cutExtension = packetWith([0x10, 1, 0, 0], 0xbede).subarray(0, 18);
    expect(parseRtpPacket(cutExtension)).toBeNull();
    const tooMuchPadding = Uint8Array.of(0xa0, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 9, 200);
    expect(parseRtpPacket(tooMuchPadding)).toBeNull();
    const wrongVersion = Uint8Array.of(0x40, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 9);
    expect(parseRtpPacket(wrongVersion)).toBeNull();
  });

  it('never throws on arbitrary bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 80 }),
        fc.integer({ min: 0, max: 255 }),
        (bytes, id) => {
          isRtcp(bytes);
          const packet = parseRtpPacket(bytes);
          if (packet !== null) headerExtension(packet, id);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
