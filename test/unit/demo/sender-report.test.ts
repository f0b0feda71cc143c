// The sender reports of the synthetic broadcaster, read back by the rules of RFC 3550 §6.4.1.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { senderReport } from '../../../infra/demo/sender-report.ts';

const ntpUnixOffsetSeconds = 2_208_988_800;

describe('senderReport', () => {
  it('has the layout of RFC 3550 without report blocks', () => {
    const report = senderReport({
      ssrc: 0x0102_0304,
      wallClockMs: 1_500,
      rtpTimestamp: 0xa0b0_c0d0,
      packetsSent: 7,
      payloadBytesSent: 4_200,
    });
    expect(report.toString('hex')).toBe(
      ['80c80006', '01020304', '83aa7e81', '80000000', 'a0b0c0d0', '00000007', '00001068'].join(''),
    );
  });

  it('carries the wall clock to within a microsecond until NTP seconds wrap in 2036', () => {
    const latestMs = Date.UTC(2036, 0, 1);
    fc.assert(
      fc.property(fc.double({ min: 0, max: latestMs, noNaN: true }), (wallClockMs) => {
        const report = senderReport({
          ssrc: 1,
          wallClockMs,
          rtpTimestamp: 0,
          packetsSent: 0,
          payloadBytesSent: 0,
        });
        const seconds = report.readUInt32BE(8) - ntpUnixOffsetSeconds;
        const readBackMs = seconds * 1_000 + (report.readUInt32BE(12) / 2 ** 32) * 1_000;
        expect(Math.abs(readBackMs - wallClockMs)).toBeLessThan(0.001);
      }),
    );
  });

  it('wraps RTP timestamps and counters at 2^32', () => {
    const report = senderReport({
      ssrc: 1,
      wallClockMs: 0,
      rtpTimestamp: 2 ** 32 + 5,
      packetsSent: 2 ** 32 + 6,
      payloadBytesSent: 2 ** 33 + 7,
    });
    expect([16, 20, 24].map((offset) => report.readUInt32BE(offset))).toEqual([5, 6, 7]);
  });
});
