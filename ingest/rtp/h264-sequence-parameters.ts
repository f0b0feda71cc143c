// Picture size and identifier from an H.264 sequence parameter set (ITU-T H.264 §7.3.2.1.1), and
// the identifier of a picture parameter set. The depacketizer keeps the sets and describes frames.

import { BitReader, removeEmulationPrevention } from './bit-reader.ts';
import { readMaxReorderedPictures } from './h264-usability.ts';

export interface SequenceParameters {
  readonly id: number;
  readonly profileIdc: number;
  readonly constraintFlags: number;
  readonly levelIdc: number;
  readonly chromaFormatIdc: number;
  readonly bitDepthLuma: number;
  readonly bitDepthChroma: number;
  /** After cropping. */
  readonly widthPx: number;
  readonly heightPx: number;
  readonly isInterlaced: boolean;
  /**
   * Pictures that may be shown later than others that follow them (B-frames); `null` when the set
   * does not say.
   */
  readonly maxReorderedPictures: number | null;
}

/** Profiles whose sets carry the chroma format (§7.3.2.1.1). */
const highProfiles = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);
const maxSequenceParametersBytes = 4_096;
/** Far above level 6.2; a larger one is nonsense. */
const maxSizePx = 16_384;
const maxIdentifier = 31;
const baselineProfile = 66;

/** The parameters in a NAL unit of type 7, or `null` when it cannot be read. Never throws. */
export function parseSequenceParameters(nalUnit: Uint8Array): SequenceParameters | null {
  if (nalUnit.length > maxSequenceParametersBytes) return null;
  try {
    return readSequenceParameters(nalUnit);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** pic_parameter_set_id of a NAL unit of type 8, or `null`. Never throws. */
export function parsePictureParametersId(nalUnit: Uint8Array): number | null {
  try {
    const id = new BitReader(removeEmulationPrevention(nalUnit.subarray(1, 16))).readUnsigned();
    return id <= 255 ? id : null;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function readSequenceParameters(nalUnit: Uint8Array): SequenceParameters | null {
  const reader = new BitReader(removeEmulationPrevention(nalUnit.subarray(1)));
  const profileIdc = reader.readBits(8);
  const constraintFlags = reader.readBits(8);
  const levelIdc = reader.readBits(8);
  const id = reader.readUnsigned();
  const format = highProfiles.has(profileIdc)
    ? readFormat(reader)
    : { chromaFormatIdc: 1, bitDepthLuma: 8, bitDepthChroma: 8, hasSeparatePlanes: false };
  reader.readUnsigned(); // log2_max_frame_num_minus4
  const orderCountType = readPictureOrderCount(reader);
  reader.readUnsigned(); // max_num_ref_frames
  reader.readBit(); // gaps_in_frame_num_value_allowed_flag
  const size = readSize(reader, format.hasSeparatePlanes ? 0 : format.chromaFormatIdc);
  const isPlausible =
    id <= maxIdentifier &&
    size.widthPx > 0 &&
    size.heightPx > 0 &&
    size.widthPx <= maxSizePx &&
    size.heightPx <= maxSizePx;
  if (!isPlausible) return null;
  const { chromaFormatIdc, bitDepthLuma, bitDepthChroma } = format;
  return {
    id,
    profileIdc,
    constraintFlags,
    levelIdc,
    chromaFormatIdc,
    bitDepthLuma,
    bitDepthChroma,
    widthPx: size.widthPx,
    heightPx: size.heightPx,
    isInterlaced: size.isInterlaced,
    maxReorderedPictures: reorderedPictures(reader, profileIdc, orderCountType),
  };
}

/** Baseline has no B-frames, and with order count type 2 pictures are shown as they are decoded. */
function reorderedPictures(
  reader: BitReader,
  profileIdc: number,
  orderCountType: number,
): number | null {
  if (profileIdc === baselineProfile || orderCountType === 2) return 0;
  try {
    return reader.readBit() === 1 ? readMaxReorderedPictures(reader) : null;
  } catch (error) {
    // What decoders need is in front of it: a set that ends early is one that does not say.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function readFormat(reader: BitReader) {
  const chromaFormatIdc = reader.readUnsigned();
  if (chromaFormatIdc > 3) throw new RangeError('chroma_format_idc is out of range');
  const hasSeparatePlanes = chromaFormatIdc === 3 && reader.readBit() === 1;
  const bitDepthLuma = 8 + reader.readUnsigned();
  const bitDepthChroma = 8 + reader.readUnsigned();
  if (bitDepthLuma > 14 || bitDepthChroma > 14) throw new RangeError('bit depth is out of range');
  reader.readBit(); // qpprime_y_zero_transform_bypass_flag
  if (reader.readBit() === 1) skipScalingMatrix(reader, chromaFormatIdc === 3 ? 12 : 8);
  return { chromaFormatIdc, bitDepthLuma, bitDepthChroma, hasSeparatePlanes };
}

/** §7.3.2.1.1.1: lists of 16 or 64 deltas, cut short when a scale becomes zero. */
function skipScalingMatrix(reader: BitReader, lists: number): void {
  for (let list = 0; list < lists; list += 1) {
    if (reader.readBit() === 0) continue;
    let scale = 8;
    const entries = list < 6 ? 16 : 64;
    for (let entry = 0; entry < entries; entry += 1) {
      scale = (scale + reader.readSigned() + 256) % 256;
      if (scale === 0) break;
    }
  }
}

/** pic_order_cnt_type. */
function readPictureOrderCount(reader: BitReader): number {
  const type = reader.readUnsigned();
  if (type === 0) {
    reader.readUnsigned(); // log2_max_pic_order_cnt_lsb_minus4
  } else if (type === 1) {
    reader.readBit(); // delta_pic_order_always_zero_flag
    reader.readSigned(); // offset_for_non_ref_pic
    reader.readSigned(); // offset_for_top_to_bottom_field
    const cycles = reader.readUnsigned();
    if (cycles > 255) throw new RangeError('num_ref_frames_in_pic_order_cnt_cycle is too large');
    for (let cycle = 0; cycle < cycles; cycle += 1) reader.readSigned();
  } else if (type !== 2) throw new RangeError('pic_order_cnt_type is out of range');
  return type;
}

/** Size in macroblocks less the cropping, in the units of table 6-1 and §7.4.2.1.1. */
function readSize(
  reader: BitReader,
  chromaArrayType: number,
): { widthPx: number; heightPx: number; isInterlaced: boolean } {
  const widthMacroblocks = reader.readUnsigned() + 1;
  const heightMapUnits = reader.readUnsigned() + 1;
  const isFramesOnly = reader.readBit() === 1;
  if (!isFramesOnly) reader.readBit(); // mb_adaptive_frame_field_flag
  reader.readBit(); // direct_8x8_inference_flag
  const fieldFactor = isFramesOnly ? 1 : 2;
  let croppedWidthPx = 0;
  let croppedHeightPx = 0;
  if (reader.readBit() === 1) {
    const unitX = chromaArrayType === 1 || chromaArrayType === 2 ? 2 : 1;
    const unitY = (chromaArrayType === 1 ? 2 : 1) * fieldFactor;
    croppedWidthPx = unitX * (reader.readUnsigned() + reader.readUnsigned());
    croppedHeightPx = unitY * (reader.readUnsigned() + reader.readUnsigned());
  }
  return {
    widthPx: widthMacroblocks * 16 - croppedWidthPx,
    heightPx: heightMapUnits * 16 * fieldFactor - croppedHeightPx,
    isInterlaced: !isFramesOnly,
  };
}
