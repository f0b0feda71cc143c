// Pure: the binary form of EBML elements (RFC 8794), as much of it as a live writer needs.
// The Matroska writer is built on it.

const textEncoder = new TextEncoder();

/** Element ids of RFC 9559 that the writer uses, as they stand in the file. */
export const elementIds = {
  ebml: 0x1a45dfa3,
  ebmlVersion: 0x4286,
  ebmlReadVersion: 0x42f7,
  ebmlMaxIdLength: 0x42f2,
  ebmlMaxSizeLength: 0x42f3,
  docType: 0x4282,
  docTypeVersion: 0x4287,
  docTypeReadVersion: 0x4285,
  segment: 0x18538067,
  info: 0x1549a966,
  timestampScale: 0x2ad7b1,
  muxingApp: 0x4d80,
  writingApp: 0x5741,
  tracks: 0x1654ae6b,
  trackEntry: 0xae,
  trackNumber: 0xd7,
  trackUid: 0x73c5,
  flagLacing: 0x9c,
  trackType: 0x83,
  defaultDuration: 0x23e383,
  codecId: 0x86,
  codecPrivate: 0x63a2,
  video: 0xe0,
  pixelWidth: 0xb0,
  pixelHeight: 0xba,
  audio: 0xe1,
  samplingFrequency: 0xb5,
  channels: 0x9f,
  cluster: 0x1f43b675,
  timestamp: 0xe7,
  simpleBlock: 0xa3,
} as const;

/** A size of eight bytes, all ones: unknown, the element ends where its parent's next one begins. */
const unknownSize = Uint8Array.of(0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** An unsigned integer in as few bytes as it takes, at least one. */
function unsignedBytes(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.unshift(rest % 256);
    rest = Math.floor(rest / 256);
  } while (rest > 0);
  return Uint8Array.from(bytes);
}

/** A data size (RFC 8794 §4): its first set bit tells its length. At most 2^28 − 2 here. */
export function sizeBytes(size: number): Uint8Array {
  if (size < 0x7f) return Uint8Array.of(0x80 | size);
  if (size < 0x3fff) return Uint8Array.of(0x40 | (size >> 8), size & 0xff);
  if (size < 0x1fffff) return Uint8Array.of(0x20 | (size >> 16), (size >> 8) & 0xff, size & 0xff);
  if (size < 0x0fffffff) {
    return Uint8Array.of(0x10 | (size >> 24), (size >> 16) & 0xff, (size >> 8) & 0xff, size & 0xff);
  }
  throw new RangeError(`an element of ${size} bytes is too large`);
}

/** An element whose content is bytes or other elements. */
export function element(id: number, ...content: readonly Uint8Array[]): Uint8Array {
  const length = content.reduce((sum, part) => sum + part.length, 0);
  return concatBytes([unsignedBytes(id), sizeBytes(length), ...content]);
}

export function unsignedElement(id: number, value: number): Uint8Array {
  return element(id, unsignedBytes(value));
}

export function textElement(id: number, text: string): Uint8Array {
  return element(id, textEncoder.encode(text));
}

/** A number in 64-bit IEEE 754. */
export function floatElement(id: number, value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value);
  return element(id, bytes);
}

/** The start of an element of unknown size, as live streams need it. */
export function openElement(id: number): Uint8Array {
  return concatBytes([unsignedBytes(id), unknownSize]);
}
