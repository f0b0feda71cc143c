// VP8 from RTP (RFC 7741): strips the payload descriptor and joins the partitions of a frame.
// Keyframes leave with the size that their own header carries (RFC 6386 §9.1).

import { concatBytes, viewOf } from './byte-view.ts';
import { type AssembledFrame, FrameAssembler, type FrameCodec } from './frame-assembler.ts';

/** Frame tag, start code, width and height. */
const keyframeHeaderBytes = 10;

/** Length of the payload descriptor (RFC 7741 §4.2) in bytes, or `null` when it is cut off. */
function descriptorSizeOf(payload: Uint8Array): number | null {
  const first = payload[0] ?? 0;
  let sizeBytes = 1;
  if ((first & 0x80) !== 0) {
    const extension = payload[1] ?? 0;
    sizeBytes += 1;
    if ((extension & 0x80) !== 0) sizeBytes += ((payload[sizeBytes] ?? 0) & 0x80) !== 0 ? 2 : 1;
    if ((extension & 0x40) !== 0) sizeBytes += 1; // TL0PICIDX
    if ((extension & 0x30) !== 0) sizeBytes += 1; // TID, Y, KEYIDX
  }
  return sizeBytes < payload.length ? sizeBytes : null;
}

class Vp8Frame implements FrameCodec {
  #parts: Uint8Array[] = [];

  addPayload(payload: Uint8Array): boolean {
    const first = payload[0] ?? 0;
    const sizeBytes = descriptorSizeOf(payload);
    // §4.2: S with partition index 0 marks the first packet of a frame, and only that one.
    const startsFrame = (first & 0x10) !== 0 && (first & 0x07) === 0;
    if (sizeBytes === null || startsFrame !== (this.#parts.length === 0)) return false;
    this.#parts.push(payload.subarray(sizeBytes));
    return true;
  }

  takeFrame(): AssembledFrame {
    const payload = concatBytes(this.#parts);
    this.#parts = [];
    if (payload.length === 0) return { outcome: 'broken' };
    // RFC 6386 §9.1: the lowest bit of the frame tag is 0 on keyframes.
    if (((payload[0] ?? 0) & 0x01) === 1) {
      return { outcome: 'whole', payload, configuration: null };
    }
    const size = keyframeSizeOf(payload);
    if (size === null) return { outcome: 'broken' };
    return { outcome: 'whole', payload, configuration: { ...size, decoderConfiguration: null } };
  }
}

function keyframeSizeOf(payload: Uint8Array): { widthPx: number; heightPx: number } | null {
  if (payload.length < keyframeHeaderBytes) return null;
  const view = viewOf(payload);
  const hasStartCode = view.getUint16(3) === 0x9d01 && view.getUint8(5) === 0x2a;
  // The two highest bits ask for upscaling, which is the player's affair.
  const widthPx = view.getUint16(6, true) & 0x3fff;
  const heightPx = view.getUint16(8, true) & 0x3fff;
  return hasStartCode && widthPx > 0 && heightPx > 0 ? { widthPx, heightPx } : null;
}

/** Gives VP8 frames as RFC 6386 describes them. */
export class Vp8Depacketizer extends FrameAssembler {
  constructor() {
    super(new Vp8Frame());
  }
}
