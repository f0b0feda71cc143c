// The end of an H.264 sequence parameter set, the video usability information (ITU-T H.264 annex
// E.1.1), of which one number matters: whether pictures are reordered. Read behind the rest of the set.

import type { BitReader } from './bit-reader.ts';

const extendedSar = 255;
const maxBufferSpecifications = 32;

function skip(reader: BitReader, bits: number): void {
  for (let left = bits; left > 0; left -= 32) reader.readBits(Math.min(32, left));
}

/** Annex E.1.2. */
function skipBufferParameters(reader: BitReader): void {
  const count = reader.readUnsigned() + 1;
  if (count > maxBufferSpecifications) throw new RangeError('cpb_cnt_minus1 is out of range');
  skip(reader, 8);
  for (let index = 0; index < count; index += 1) {
    reader.readUnsigned();
    reader.readUnsigned();
    reader.readBit();
  }
  skip(reader, 20);
}

function skipVideoSignal(reader: BitReader): void {
  if (reader.readBit() === 1 && reader.readBits(8) === extendedSar) skip(reader, 32);
  if (reader.readBit() === 1) reader.readBit(); // overscan_appropriate_flag
  if (reader.readBit() === 1) {
    skip(reader, 4); // video_format, video_full_range_flag
    if (reader.readBit() === 1) skip(reader, 24); // colour description
  }
  if (reader.readBit() === 1) {
    reader.readUnsigned(); // chroma_sample_loc_type of both fields
    reader.readUnsigned();
  }
  if (reader.readBit() === 1) skip(reader, 65); // timing
}

/**
 * max_num_reorder_frames, or `null` when the information has none.
 * @throws RangeError when it ends early
 */
export function readMaxReorderedPictures(reader: BitReader): number | null {
  skipVideoSignal(reader);
  const hasNalParameters = reader.readBit() === 1;
  if (hasNalParameters) skipBufferParameters(reader);
  const hasVclParameters = reader.readBit() === 1;
  if (hasVclParameters) skipBufferParameters(reader);
  if (hasNalParameters || hasVclParameters) reader.readBit(); // low_delay_hrd_flag
  reader.readBit(); // pic_struct_present_flag
  if (reader.readBit() === 0) return null; // bitstream_restriction_flag
  reader.readBit(); // motion_vectors_over_pic_boundaries_flag
  // Bytes per picture, bits per macroblock, length of motion vectors in both directions.
  for (let index = 0; index < 4; index += 1) reader.readUnsigned();
  return reader.readUnsigned();
}
