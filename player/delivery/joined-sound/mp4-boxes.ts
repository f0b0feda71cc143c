// Pure: the boxes of MP4 (ISO/IEC 14496-12 §4.2), as far as two tracks are to be put into one file.
// join-tracks reads init sections and fragments with it.

export interface Box {
  /** Four characters, for example `moof`. */
  readonly type: string;
  /** The whole box. */
  readonly bytes: Uint8Array;
  /** What follows the header. */
  readonly content: Uint8Array;
}

const headerBytes = 8;
const largeHeaderBytes = 16;

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** @throws RangeError when the bytes are not boxes one after the other */
export function boxesOf(bytes: Uint8Array): Box[] {
  const view = viewOf(bytes);
  const boxes: Box[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const shortSize = view.getUint32(offset);
    const type = String.fromCharCode(...bytes.subarray(offset + 4, offset + headerBytes));
    const isLarge = shortSize === 1;
    const sizeBytes = isLarge ? Number(view.getBigUint64(offset + headerBytes)) : shortSize;
    const contentAt = isLarge ? largeHeaderBytes : headerBytes;
    if (sizeBytes < contentAt || offset + sizeBytes > bytes.length) {
      throw new RangeError(`a box '${type}' of ${sizeBytes} bytes is not possible here`);
    }
    const box = bytes.subarray(offset, offset + sizeBytes);
    boxes.push({ type, bytes: box, content: box.subarray(contentAt) });
    offset += sizeBytes;
  }
  return boxes;
}

/** @throws RangeError when there is none */
export function onlyBox(boxes: readonly Box[], type: string): Box {
  const found = boxes.find((box) => box.type === type);
  if (found === undefined) throw new RangeError(`there is no box '${type}'`);
  return found;
}

export function joinBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

export function makeBox(type: string, parts: readonly Uint8Array[]): Uint8Array {
  const header = new Uint8Array(headerBytes);
  const sizeBytes = parts.reduce((sum, { length }) => sum + length, headerBytes);
  viewOf(header).setUint32(0, sizeBytes);
  for (let index = 0; index < 4; index += 1) header[4 + index] = type.charCodeAt(index);
  return joinBytes([header, ...parts]);
}
