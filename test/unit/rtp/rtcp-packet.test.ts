// RTCP as other implementations read and write it: examples by hand, and NACKs decoded again.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  buildNack,
  buildPictureLossIndication,
  buildReceiverReport,
  parseSenderReports,
} from '../../../ingest/rtp/rtcp-packet.ts';

function senderReport(ssrc: number, seconds: number, fraction: number, timestamp: number): Buffer {
  const bytes = Buffer.alloc(28);
  bytes.writeUInt32BE(0x80c8_0006, 0);
  bytes.writeUInt32BE(ssrc, 4);
  bytes.writeUInt32BE(seconds, 8);
  bytes.writeUInt32BE(fraction, 12);
  bytes.writeUInt32BE(timestamp, 16);
  return bytes;
}

describe('RTCP', () => {
  it('reads the sender reports of a compound packet', () => {
    const description = Uint8Array.of(0x81, 202, 0, 1, 0, 0, 0, 1);
    const unixSeconds = 1_700_000_000;
    const first = senderReport(1, unixSeconds + 2_208_988_800, 0x8000_0000, 90);
    const second = senderReport(2, 0, 0, 91);
    const reports = parseSenderReports(Buffer.concat([first, description, second]));
    expect(reports).toHaveLength(2);
    expect(reports[0]).toMatchObject({ ssrc: 1, rtpTimestamp: 90 });
    expect(reports[0]?.ntpTimeMs).toBe(unixSeconds * 1000 + 500);
    expect(reports[0]?.ntpMiddleBits.toString(16)).toBe(
      `${((unixSeconds + 2_208_988_800) & 0xffff).toString(16)}8000`,
    );
    expect(reports[1]).toMatchObject({ ssrc: 2, ntpTimeMs: null });
  });

  it('ignores what is cut off', () => {
    const whole = senderReport(1, 5, 5, 90);
    expect(parseSenderReports(Buffer.concat([whole, whole.subarray(0, 20)]))).toHaveLength(1);
    expect(parseSenderReports(new Uint8Array(3))).toEqual([]);
  });

  it('writes report blocks with a signed 24-bit count of losses', () => {
    const block = {
      ssrc: 0x0102_0304,
      fractionLost256: 64,
      cumulativeLost: -1,
      extendedHighestSequenceNumber: 0x1_0005,
      jitterTicks: 7,
      lastSenderReport: 0xaabb_ccdd,
      delaySinceLastSenderReport: 65_536,
    };
    const bytes = Buffer.from(buildReceiverReport(9, [block, block]));
    expect(bytes).toHaveLength(56);
    expect(bytes.readUInt32BE(0)).toBe(0x82c9_000d);
    expect(bytes.readUInt32BE(12)).toBe(0x40ff_ffff);
    expect(bytes.readUInt32BE(16)).toBe(0x1_0005);
    expect(bytes.readUInt32BE(24)).toBe(0xaabb_ccdd);
    expect(bytes.readUInt32BE(28)).toBe(65_536);
  });

  it('writes a NACK that names exactly the missing packets, across the wrap too', () => {
    const missing = fc.uniqueArray(fc.integer({ min: 65_500, max: 65_800 }), {
      minLength: 1,
      maxLength: 60,
    });
    fc.assert(
      fc.property(missing, (numbers) => {
        const sorted = [...numbers].sort((left, right) => left - right);
        const bytes = Buffer.from(buildNack(1, 2, sorted));
        expect(bytes.readUInt16BE(2)).toBe(bytes.length / 4 - 1);
        const named: number[] = [];
        for (let offset = 12; offset < bytes.length; offset += 4) {
          const packetId = bytes.readUInt16BE(offset);
          const bitmask = bytes.readUInt16BE(offset + 2);
          named.push(packetId);
          for (let bit = 0; bit < 16; bit += 1) {
            if ((bitmask >> bit) & 1) named.push((packetId + bit + 1) & 0xffff);
          }
        }
        expect(named).toEqual(sorted.map((number) => number & 0xffff));
      }),
    );
  });

  it('writes a picture loss indication', () => {
    expect(Buffer.from(buildPictureLossIndication(1, 2)).toString('hex')).toBe(
      '81ce00020000000100000002',
    );
  });
});
