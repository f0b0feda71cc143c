// RTCP sender reports for a track whose RTP somebody else makes: they tie RTP timestamps to the
// wall clock, so that the receiver can join sound and picture. Pure; the broadcaster sends them.

/** Seconds from the NTP epoch (1900) to the Unix epoch (1970), RFC 5905 §6. */
const ntpUnixOffsetSeconds = 2_208_988_800;
const reportSizeBytes = 28;

/** What one sender report says of a track at one instant. */
export interface SenderState {
  readonly ssrc: number;
  /** Wall clock in milliseconds since the Unix epoch. */
  readonly wallClockMs: number;
  /** RTP timestamp of media captured at `wallClockMs`; taken modulo 2^32. */
  readonly rtpTimestamp: number;
  readonly packetsSent: number;
  /** Payload octets sent, headers excluded. */
  readonly payloadBytesSent: number;
}

/** An RTCP sender report without report blocks, RFC 3550 §6.4.1. */
export function senderReport(state: SenderState): Buffer {
  const report = Buffer.alloc(reportSizeBytes);
  report[0] = 0x80; // version 2, no report block
  report[1] = 200;
  report.writeUInt16BE(reportSizeBytes / 4 - 1, 2);
  report.writeUInt32BE(state.ssrc, 4);
  const seconds = Math.floor(state.wallClockMs / 1_000);
  const fraction = (state.wallClockMs - seconds * 1_000) / 1_000;
  report.writeUInt32BE((seconds + ntpUnixOffsetSeconds) % 2 ** 32, 8);
  report.writeUInt32BE(Math.floor(fraction * 2 ** 32), 12);
  report.writeUInt32BE(modulo32(Math.round(state.rtpTimestamp)), 16);
  report.writeUInt32BE(modulo32(state.packetsSent), 20);
  report.writeUInt32BE(modulo32(state.payloadBytesSent), 24);
  return report;
}

function modulo32(value: number): number {
  return ((value % 2 ** 32) + 2 ** 32) % 2 ** 32;
}
