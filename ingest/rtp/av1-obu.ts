// Open bitstream units of AV1 (AV1 specification §5.3): their headers, with and without size
// fields. The depacketizer makes units whole and writes them as containers want them.

import { concatBytes } from './byte-view.ts';

export const obuTypes = {
  sequenceHeader: 1,
  temporalDelimiter: 2,
  frameHeader: 3,
  metadata: 5,
  frame: 6,
  tileList: 8,
  padding: 15,
} as const;

export interface Obu {
  readonly type: number;
  /** The header of one or two bytes, with the size flag set. */
  readonly header: Uint8Array;
  readonly payload: Uint8Array;
}

/** §4.10.5: at most eight bytes of seven bits; a size here fits in four. */
export function readLeb128(
  bytes: Uint8Array,
  offset: number,
): { readonly value: number; readonly end: number } | null {
  let value = 0;
  for (let index = 0; index < 8; index += 1) {
    const byte = bytes[offset + index];
    if (byte === undefined) return null;
    value += (byte & 0x7f) * 2 ** (7 * index);
    if ((byte & 0x80) === 0) return { value, end: offset + index + 1 };
  }
  return null;
}

export function writeLeb128(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? low | 0x80 : low);
  } while (rest > 0);
  return Uint8Array.from(bytes);
}

/** One unit that fills `bytes`, or `null` when it cannot be one. */
export function parseObu(bytes: Uint8Array): Obu | null {
  const first = bytes[0];
  if (first === undefined || (first & 0x80) !== 0) return null; // the forbidden bit
  const headerBytes = (first & 0x04) !== 0 ? 2 : 1;
  if (bytes.length < headerBytes) return null;
  const header = bytes.slice(0, headerBytes);
  header[0] = first | 0x02;
  const type = (first >> 3) & 0x0f;
  if ((first & 0x02) === 0) return { type, header, payload: bytes.subarray(headerBytes) };
  const size = readLeb128(bytes, headerBytes);
  if (size === null || size.end + size.value > bytes.length) return null;
  return { type, header, payload: bytes.subarray(size.end, size.end + size.value) };
}

/** The unit with its size, as in files (§5.2). */
export function writeObu(obu: Obu): Uint8Array {
  return concatBytes([obu.header, writeLeb128(obu.payload.length), obu.payload]);
}
