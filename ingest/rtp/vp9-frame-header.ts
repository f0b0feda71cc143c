// The beginning of a VP9 frame's uncompressed header (VP9 bitstream specification §6.2): whether
// it is a keyframe, and its size. The depacketizer asks for every frame.

import { BitReader } from './bit-reader.ts';

export interface Vp9FrameHeader {
  /** `null` for frames that refer to others. */
  readonly keyframeSize: { readonly widthPx: number; readonly heightPx: number } | null;
}

const frameMarker = 2;
const syncCode = 0x49_83_42;
const colorSpaceRgb = 7;

/** The header, or `null` when the bytes do not begin with one. Never throws. */
export function parseVp9FrameHeader(frame: Uint8Array): Vp9FrameHeader | null {
  try {
    return readHeader(new BitReader(frame));
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function readHeader(reader: BitReader): Vp9FrameHeader | null {
  if (reader.readBits(2) !== frameMarker) return null;
  const profile = reader.readBit() + 2 * reader.readBit();
  if (profile === 3) reader.readBit(); // reserved
  if (reader.readBit() === 1) return { keyframeSize: null }; // shows an existing frame
  const isKeyframe = reader.readBit() === 0;
  reader.readBits(2); // show_frame, error_resilient_mode
  if (!isKeyframe) return { keyframeSize: null };
  if (reader.readBits(24) !== syncCode) return null;
  skipColor(reader, profile);
  const widthPx = reader.readBits(16) + 1;
  const heightPx = reader.readBits(16) + 1;
  return { keyframeSize: { widthPx, heightPx } };
}

/** §6.2.2. */
function skipColor(reader: BitReader, profile: number): void {
  const hasSubsampling = profile === 1 || profile === 3;
  if (profile >= 2) reader.readBit(); // ten or twelve bits
  if (reader.readBits(3) === colorSpaceRgb) {
    if (hasSubsampling) reader.readBit(); // reserved
    return;
  }
  reader.readBit(); // color_range
  if (hasSubsampling) reader.readBits(3); // subsampling in x and y, reserved
}
