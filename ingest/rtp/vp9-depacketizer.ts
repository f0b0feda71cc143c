// VP9 from RTP (RFC 9628): strips the payload descriptor and joins the packets of a frame. Of
// several spatial layers the base is taken; keyframes leave with the size in their own header.

import { concatBytes } from './byte-view.ts';
import { type AssembledFrame, FrameAssembler, type FrameCodec } from './frame-assembler.ts';
import { parseVp9FrameHeader } from './vp9-frame-header.ts';

interface Descriptor {
  readonly sizeBytes: number;
  readonly startsFrame: boolean;
  readonly spatialLayer: number;
}

/** Throws RangeError past the end. */
class ByteCursor {
  readonly #bytes: Uint8Array;
  offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  next(): number {
    const byte = this.#bytes[this.offset];
    if (byte === undefined) throw new RangeError('read past the end of the descriptor');
    this.offset += 1;
    return byte;
  }
}

/** RFC 9628 §4.2, or `null` when it is cut off or nothing follows it. */
function readDescriptor(payload: Uint8Array): Descriptor | null {
  try {
    const cursor = new ByteCursor(payload);
    const first = cursor.next();
    const isFlexible = (first & 0x10) !== 0;
    if ((first & 0x80) !== 0 && (cursor.next() & 0x80) !== 0) cursor.next(); // picture id
    let spatialLayer = 0;
    if ((first & 0x20) !== 0) {
      spatialLayer = (cursor.next() >> 1) & 0x07;
      if (!isFlexible) cursor.next(); // TL0PICIDX
    }
    if (isFlexible && (first & 0x40) !== 0) skipReferences(cursor);
    if ((first & 0x02) !== 0) skipScalabilityStructure(cursor);
    if (cursor.offset >= payload.length) return null;
    return { sizeBytes: cursor.offset, startsFrame: (first & 0x08) !== 0, spatialLayer };
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** Up to three differences; the lowest bit says whether another one follows. */
function skipReferences(cursor: ByteCursor): void {
  for (let count = 0; (cursor.next() & 0x01) !== 0; count += 1) {
    if (count === 2) throw new RangeError('more than three references');
  }
}

/** RFC 9628 §4.2.1: sizes of the layers, then the pattern of a group of pictures. */
function skipScalabilityStructure(cursor: ByteCursor): void {
  const head = cursor.next();
  const hasSizes = (head & 0x10) !== 0;
  const hasPictures = (head & 0x08) !== 0;
  if (hasSizes) cursor.offset += ((head >> 5) + 1) * 4;
  const pictures = hasPictures ? cursor.next() : 0;
  for (let picture = 0; picture < pictures; picture += 1) {
    const references = (cursor.next() >> 2) & 0x03;
    cursor.offset += references;
  }
}

class Vp9Frame implements FrameCodec {
  #parts: Uint8Array[] = [];

  addPayload(payload: Uint8Array): boolean {
    const descriptor = readDescriptor(payload);
    if (descriptor === null) return false;
    // The base layer can be decoded alone; higher ones would have to be told apart downstream.
    if (descriptor.spatialLayer > 0) return true;
    if (descriptor.startsFrame !== (this.#parts.length === 0)) return false;
    this.#parts.push(payload.subarray(descriptor.sizeBytes));
    return true;
  }

  takeFrame(): AssembledFrame {
    const payload = concatBytes(this.#parts);
    this.#parts = [];
    if (payload.length === 0) return { outcome: 'broken' };
    const header = parseVp9FrameHeader(payload);
    if (header === null) return { outcome: 'broken' };
    const configuration =
      header.keyframeSize === null ? null : { ...header.keyframeSize, decoderConfiguration: null };
    return { outcome: 'whole', payload, configuration };
  }
}

/** Gives VP9 frames as the bitstream specification describes them. */
export class Vp9Depacketizer extends FrameAssembler {
  constructor() {
    super(new Vp9Frame());
  }
}
