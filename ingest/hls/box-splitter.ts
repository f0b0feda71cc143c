// Pure: cuts a byte stream into the top-level boxes of ISO/IEC 14496-12 §4.2, however the stream
// is chunked. ffmpeg's pipes go in, the packager takes the boxes.

import { joinBytes } from './join-bytes.ts';

export interface Box {
  /** Four characters, for example `moof`. */
  readonly type: string;
  /** The whole box, header included. */
  readonly bytes: Uint8Array;
}

/** The stream is not a sequence of boxes, or one is larger than allowed. */
export class BoxFormatError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'BoxFormatError';
  }
}

/** Enough for a fragment of any rendition of the ladder; more is not a live stream. */
const defaultMaxBoxBytes = 64 * 1024 * 1024;
const compactHeaderBytes = 8;
const largeHeaderBytes = 16;

export interface BoxHeader {
  readonly type: string;
  readonly sizeBytes: number;
  readonly headerBytes: number;
}

/**
 * The header at `offset`, or `null` when more bytes are needed for it.
 * @throws BoxFormatError for a size that no box of a stream can have
 */
export function readBoxHeader(bytes: Uint8Array, offset = 0): BoxHeader | null {
  if (bytes.length - offset < compactHeaderBytes) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, bytes.length - offset);
  const type = String.fromCharCode(...bytes.subarray(offset + 4, offset + 8));
  const compactSize = view.getUint32(0);
  // Size 0 means "to the end of the file", which a live stream does not have.
  if (compactSize !== 1) {
    if (compactSize < compactHeaderBytes) {
      throw new BoxFormatError(`a box of ${compactSize} bytes is not possible`);
    }
    return { type, sizeBytes: compactSize, headerBytes: compactHeaderBytes };
  }
  if (view.byteLength < largeHeaderBytes) return null;
  const sizeBytes = Number(view.getBigUint64(8));
  if (sizeBytes < largeHeaderBytes) {
    throw new BoxFormatError(`a large box of ${sizeBytes} bytes is not possible`);
  }
  return { type, sizeBytes, headerBytes: largeHeaderBytes };
}

export class BoxSplitter {
  readonly #maxBoxBytes: number;
  #chunks: Uint8Array[] = [];
  #bufferedBytes = 0;
  /** Bytes without which another look at the buffer is in vain. */
  #neededBytes = compactHeaderBytes;

  constructor(options: { readonly maxBoxBytes?: number } = {}) {
    this.#maxBoxBytes = options.maxBoxBytes ?? defaultMaxBoxBytes;
  }

  /** Bytes of a box that is not complete yet. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /**
   * The boxes that `chunk` completes.
   * @throws BoxFormatError when the stream cannot be read on
   */
  push(chunk: Uint8Array): Box[] {
    this.#chunks.push(chunk);
    this.#bufferedBytes += chunk.length;
    if (this.#bufferedBytes < this.#neededBytes) return [];
    const bytes = this.#join();
    const boxes: Box[] = [];
    let offset = 0;
    for (;;) {
      const header = readBoxHeader(bytes, offset);
      const sizeBytes = header?.sizeBytes ?? 0;
      if (sizeBytes > this.#maxBoxBytes) {
        throw new BoxFormatError(`a box of ${sizeBytes} bytes is over ${this.#maxBoxBytes}`);
      }
      const restBytes = bytes.length - offset;
      if (header === null || restBytes < sizeBytes) {
        const leastBytes = restBytes < compactHeaderBytes ? compactHeaderBytes : largeHeaderBytes;
        this.#neededBytes = header === null ? leastBytes : sizeBytes;
        break;
      }
      boxes.push({ type: header.type, bytes: bytes.subarray(offset, offset + sizeBytes) });
      offset += sizeBytes;
    }
    this.#chunks = offset < bytes.length ? [bytes.subarray(offset)] : [];
    this.#bufferedBytes = bytes.length - offset;
    return boxes;
  }

  #join(): Uint8Array {
    const [first] = this.#chunks;
    if (first !== undefined && this.#chunks.length === 1) return first;
    return joinBytes(this.#chunks);
  }
}
