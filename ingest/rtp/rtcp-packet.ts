// The RTCP that ingest reads and writes: sender reports in; receiver reports, NACK and PLI out.
// Feedback leaves as reduced-size packets (RFC 5506), which every WebRTC sender accepts.

import { viewOf } from './byte-view.ts';

/** What matters of an SR (RFC 3550 §6.4.1). */
export interface SenderReport {
  readonly ssrc: number;
  /** The sender's wall clock in milliseconds since the Unix epoch; `null` when it has none. */
  readonly ntpTimeMs: number | null;
  /** Middle 32 bits of the NTP timestamp, to be echoed as LSR. */
  readonly ntpMiddleBits: number;
  readonly rtpTimestamp: number;
}

/** One report block (RFC 3550 §6.4.1), ready to be written. */
export interface ReportBlock {
  readonly ssrc: number;
  /** Share of packets lost since the last report, in 1/256. */
  readonly fractionLost256: number;
  /** Signed, −2²³…2²³−1. */
  readonly cumulativeLost: number;
  readonly extendedHighestSequenceNumber: number;
  /** Interarrival jitter in units of the RTP clock. */
  readonly jitterTicks: number;
  readonly lastSenderReport: number;
  /** Delay since the last SR in units of 1/65536 s. */
  readonly delaySinceLastSenderReport: number;
}

const typeSenderReport = 200;
const typeReceiverReport = 201;
const typeTransportFeedback = 205;
const typePayloadFeedback = 206;
const secondsFrom1900To1970 = 2_208_988_800;
const reportBlockBytes = 24;
/** RFC 3550 §6.4.2: the report count has five bits. */
const maxReportBlocks = 31;
const maxNackEntries = 64;

/** The sender reports in a (compound) RTCP datagram; broken tails are ignored. Never throws. */
export function parseSenderReports(datagram: Uint8Array): SenderReport[] {
  const view = viewOf(datagram);
  const reports: SenderReport[] = [];
  let offset = 0;
  while (offset + 8 <= datagram.length) {
    const sizeBytes = (view.getUint16(offset + 2) + 1) * 4;
    const isVersion2 = view.getUint8(offset) >> 6 === 2;
    if (!isVersion2 || offset + sizeBytes > datagram.length) break;
    if (view.getUint8(offset + 1) === typeSenderReport && sizeBytes >= 28) {
      reports.push(readSenderReport(view, offset));
    }
    offset += sizeBytes;
  }
  return reports;
}

function readSenderReport(view: DataView, offset: number): SenderReport {
  const seconds = view.getUint32(offset + 8);
  const fraction = view.getUint32(offset + 12);
  // RFC 3550 §6.4.1: a sender without a notion of wall clock sends zero.
  const hasClock = seconds !== 0 || fraction !== 0;
  return {
    ssrc: view.getUint32(offset + 4),
    ntpTimeMs: hasClock ? (seconds - secondsFrom1900To1970 + fraction / 2 ** 32) * 1000 : null,
    ntpMiddleBits: (((seconds & 0xffff) << 16) | (fraction >>> 16)) >>> 0,
    rtpTimestamp: view.getUint32(offset + 16),
  };
}

function startPacket(sizeBytes: number, count: number, type: number, senderSsrc: number) {
  const bytes = new Uint8Array(sizeBytes);
  const view = viewOf(bytes);
  view.setUint8(0, 0x80 | count);
  view.setUint8(1, type);
  view.setUint16(2, sizeBytes / 4 - 1);
  view.setUint32(4, senderSsrc);
  return { bytes, view };
}

/** A receiver report (RFC 3550 §6.4.2) with at most 31 blocks. */
export function buildReceiverReport(
  senderSsrc: number,
  blocks: readonly ReportBlock[],
): Uint8Array {
  const written = blocks.slice(0, maxReportBlocks);
  const sizeBytes = 8 + written.length * reportBlockBytes;
  const { bytes, view } = startPacket(sizeBytes, written.length, typeReceiverReport, senderSsrc);
  written.forEach((block, index) => {
    const offset = 8 + index * reportBlockBytes;
    view.setUint32(offset, block.ssrc);
    const lost = Math.max(-0x80_0000, Math.min(0x7f_ffff, block.cumulativeLost)) & 0xff_ffff;
    view.setUint32(offset + 4, ((block.fractionLost256 << 24) | lost) >>> 0);
    view.setUint32(offset + 8, block.extendedHighestSequenceNumber % 2 ** 32);
    view.setUint32(offset + 12, Math.min(block.jitterTicks, 0xffff_ffff));
    view.setUint32(offset + 16, block.lastSenderReport);
    view.setUint32(offset + 20, Math.min(block.delaySinceLastSenderReport, 0xffff_ffff));
  });
  return bytes;
}

/**
 * A generic NACK (RFC 4585 §6.2.1) that asks again for these packets.
 * @param sequenceNumbers extended, ascending; what does not fit in 64 entries is left out
 */
export function buildNack(
  senderSsrc: number,
  mediaSsrc: number,
  sequenceNumbers: readonly number[],
): Uint8Array {
  const entries: { packetId: number; bitmask: number }[] = [];
  for (const sequenceNumber of sequenceNumbers) {
    const entry = entries.at(-1);
    const distance = entry === undefined ? Infinity : sequenceNumber - entry.packetId;
    if (entry !== undefined && distance <= 16) entry.bitmask |= 1 << (distance - 1);
    else if (entries.length === maxNackEntries) break;
    else entries.push({ packetId: sequenceNumber, bitmask: 0 });
  }
  const sizeBytes = 12 + entries.length * 4;
  const { bytes, view } = startPacket(sizeBytes, 1, typeTransportFeedback, senderSsrc);
  view.setUint32(8, mediaSsrc);
  entries.forEach(({ packetId, bitmask }, index) => {
    view.setUint16(12 + index * 4, packetId & 0xffff);
    view.setUint16(14 + index * 4, bitmask);
  });
  return bytes;
}

/** A picture loss indication (RFC 4585 §6.3.1): asks for a keyframe. */
export function buildPictureLossIndication(senderSsrc: number, mediaSsrc: number): Uint8Array {
  const { bytes, view } = startPacket(12, 1, typePayloadFeedback, senderSsrc);
  view.setUint32(8, mediaSsrc);
  return bytes;
}
