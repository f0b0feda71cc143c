// What a decoder must know of an AV1 stream, from its sequence header (AV1 specification §5.5), as
// the configuration record of the ISO binding (§2.3). The depacketizer describes keyframes with it.

import { type Obu, writeObu } from './av1-obu.ts';
import { BitReader } from './bit-reader.ts';
import { concatBytes } from './byte-view.ts';
import type { VideoConfiguration } from './encoded-frame.ts';

interface Color {
  readonly isHighBitDepth: number;
  readonly isTwelveBit: number;
  readonly isMonochrome: number;
  readonly subsamplingX: number;
  readonly subsamplingY: number;
  readonly chromaSamplePosition: number;
}

interface OperatingPoint {
  readonly level: number;
  readonly tier: number;
}

/** Real ones have about a dozen bytes. */
const maxSequenceHeaderBytes = 1_024;

/** The configuration that the sequence header gives, or `null` when it cannot be read. */
export function av1ConfigurationOf(sequenceHeader: Obu): VideoConfiguration | null {
  if (sequenceHeader.payload.length > maxSequenceHeaderBytes) return null;
  try {
    return readConfiguration(sequenceHeader);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function readConfiguration(sequenceHeader: Obu): VideoConfiguration {
  const reader = new BitReader(sequenceHeader.payload);
  const profile = reader.readBits(3);
  reader.readBit(); // still_picture
  const isReduced = reader.readBit() === 1;
  const point = isReduced ? { level: reader.readBits(5), tier: 0 } : readOperatingPoints(reader);
  const widthBits = reader.readBits(4) + 1;
  const heightBits = reader.readBits(4) + 1;
  const widthPx = reader.readBits(widthBits) + 1;
  const heightPx = reader.readBits(heightBits) + 1;
  skipTools(reader, isReduced);
  const color = readColor(reader, profile);
  const record = Uint8Array.of(
    0x81, // marker and version
    (profile << 5) | point.level,
    (point.tier << 7) |
      (color.isHighBitDepth << 6) |
      (color.isTwelveBit << 5) |
      (color.isMonochrome << 4) |
      (color.subsamplingX << 3) |
      (color.subsamplingY << 2) |
      color.chromaSamplePosition,
    0, // no initial presentation delay
  );
  const decoderConfiguration = concatBytes([record, writeObu(sequenceHeader)]);
  return { widthPx, heightPx, decoderConfiguration };
}

/** Up to the operating points; gives the first, which decoders take. */
function readOperatingPoints(reader: BitReader): OperatingPoint {
  let delayBits = 0;
  if (reader.readBit() === 1) {
    reader.readBits(32); // num_units_in_display_tick
    reader.readBits(32); // time_scale
    if (reader.readBit() === 1) reader.readUnsigned(); // num_ticks_per_picture: uvlc, like ue(v)
    if (reader.readBit() === 1) {
      delayBits = reader.readBits(5) + 1;
      reader.readBits(32); // num_units_in_decoding_tick
      reader.readBits(10); // lengths of times
    }
  }
  const hasDisplayDelay = reader.readBit() === 1;
  const count = reader.readBits(5) + 1;
  let first: OperatingPoint | null = null;
  for (let index = 0; index < count; index += 1) {
    reader.readBits(12); // operating_point_idc
    const level = reader.readBits(5);
    const tier = level > 7 ? reader.readBit() : 0;
    if (delayBits > 0 && reader.readBit() === 1) reader.readBits(2 * delayBits + 1);
    if (hasDisplayDelay && reader.readBit() === 1) reader.readBits(4);
    first ??= { level, tier };
  }
  if (first === null) throw new RangeError('there is no operating point');
  return first;
}

/** Between the size and the colors: which tools the encoder may use. */
function skipTools(reader: BitReader, isReduced: boolean): void {
  if (!isReduced && reader.readBit() === 1) reader.readBits(7); // lengths of frame ids
  reader.readBits(3); // superblock size, filter intra, intra edge filter
  if (!isReduced) {
    reader.readBits(4); // interintra, masked compound, warped motion, dual filter
    const hasOrderHint = reader.readBit() === 1;
    if (hasOrderHint) reader.readBits(2); // joint compound, reference motion vectors
    // 2: chosen per frame.
    const screenContentTools = reader.readBit() === 1 ? 2 : reader.readBit();
    if (screenContentTools > 0 && reader.readBit() === 0) reader.readBit(); // integer vectors
    if (hasOrderHint) reader.readBits(3);
  }
  reader.readBits(3); // super-resolution, CDEF, restoration
}

/** §5.5.2. */
function readColor(reader: BitReader, profile: number): Color {
  const isHighBitDepth = reader.readBit();
  const isTwelveBit = profile === 2 && isHighBitDepth === 1 ? reader.readBit() : 0;
  const isMonochrome = profile === 1 ? 0 : reader.readBit();
  const description = reader.readBit() === 1 ? reader.readBits(24) : 0x02_02_02;
  const depth = { isHighBitDepth, isTwelveBit, isMonochrome };
  if (isMonochrome === 1) {
    return { ...depth, subsamplingX: 1, subsamplingY: 1, chromaSamplePosition: 0 };
  }
  // BT.709 primaries, sRGB transfer, identity matrix: RGB, which is never subsampled.
  if (description === 0x01_0d_00) {
    return { ...depth, subsamplingX: 0, subsamplingY: 0, chromaSamplePosition: 0 };
  }
  reader.readBit(); // color_range
  const { subsamplingX, subsamplingY } = readSubsampling(reader, profile, isTwelveBit);
  const isSubsampledTwice = subsamplingX === 1 && subsamplingY === 1;
  const chromaSamplePosition = isSubsampledTwice ? reader.readBits(2) : 0;
  return { ...depth, subsamplingX, subsamplingY, chromaSamplePosition };
}

function readSubsampling(reader: BitReader, profile: number, isTwelveBit: number) {
  if (profile === 0) return { subsamplingX: 1, subsamplingY: 1 };
  if (profile === 1) return { subsamplingX: 0, subsamplingY: 0 };
  if (isTwelveBit === 0) return { subsamplingX: 1, subsamplingY: 0 };
  const subsamplingX = reader.readBit();
  return { subsamplingX, subsamplingY: subsamplingX === 1 ? reader.readBit() : 0 };
}
