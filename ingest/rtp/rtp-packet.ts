// One RTP packet (RFC 3550 §5.1) with its header extensions (RFC 8285), read within bounds. The
// receiver hands every decrypted datagram here first; what does not parse is counted and dropped.

import { viewOf } from './byte-view.ts';

export interface RtpPacket {
  readonly payloadType: number;
  readonly marker: boolean;
  readonly sequenceNumber: number;
  readonly timestamp: number;
  readonly ssrc: number;
  /** Without padding; a view into the datagram, empty for packets that only pad. */
  readonly payload: Uint8Array;
  /** The `defined by profile` field of the extension, 0 without one. */
  readonly extensionProfile: number;
  readonly extensionData: Uint8Array;
}

const fixedHeaderBytes = 12;
const noBytes = new Uint8Array(0);
const oneByteProfile = 0xbede;
const twoByteProfile = 0x1000;

/** RFC 5761 §4: on a shared port, a second byte of 192…223 means RTCP. */
export function isRtcp(datagram: Uint8Array): boolean {
  const second = datagram[1] ?? 0;
  return second >= 192 && second <= 223;
}

/** The packet, or `null` when the bytes are not one. Never throws. */
export function parseRtpPacket(datagram: Uint8Array): RtpPacket | null {
  if (datagram.length < fixedHeaderBytes) return null;
  const view = viewOf(datagram);
  const first = view.getUint8(0);
  if (first >> 6 !== 2) return null;
  let offset = fixedHeaderBytes + (first & 0x0f) * 4;
  let extensionProfile = 0;
  let extensionData: Uint8Array = noBytes;
  if ((first & 0x10) !== 0) {
    if (offset + 4 > datagram.length) return null;
    extensionProfile = view.getUint16(offset);
    const extensionEnd = offset + 4 + view.getUint16(offset + 2) * 4;
    if (extensionEnd > datagram.length) return null;
    extensionData = datagram.subarray(offset + 4, extensionEnd);
    offset = extensionEnd;
  }
  let end = datagram.length;
  if ((first & 0x20) !== 0) {
    const paddingBytes = view.getUint8(end - 1);
    if (paddingBytes === 0) return null;
    end -= paddingBytes;
  }
  if (offset > end) return null;
  const second = view.getUint8(1);
  return {
    payloadType: second & 0x7f,
    marker: (second & 0x80) !== 0,
    sequenceNumber: view.getUint16(2),
    timestamp: view.getUint32(4),
    ssrc: view.getUint32(8),
    payload: datagram.subarray(offset, end),
    extensionProfile,
    extensionData,
  };
}

/** The value of header extension `id` (RFC 8285 §4.2 and §4.3), or `null` without it. */
export function headerExtension(packet: RtpPacket, id: number): Uint8Array | null {
  const isOneByte = packet.extensionProfile === oneByteProfile;
  if (!isOneByte && (packet.extensionProfile & 0xfff0) !== twoByteProfile) return null;
  const data = packet.extensionData;
  const headerBytes = isOneByte ? 1 : 2;
  let offset = 0;
  while (offset < data.length) {
    const head = data[offset] ?? 0;
    if (head === 0) {
      offset += 1; // a padding byte
      continue;
    }
    const elementId = isOneByte ? head >> 4 : head;
    // RFC 8285 §4.2: the reserved identifier 15 ends the processing.
    if (isOneByte && elementId === 15) return null;
    const sizeBytes = isOneByte ? (head & 0x0f) + 1 : (data[offset + 1] ?? 0);
    const start = offset + headerBytes;
    if (start + sizeBytes > data.length) return null;
    if (elementId === id) return data.subarray(start, start + sizeBytes);
    offset = start + sizeBytes;
  }
  return null;
}
