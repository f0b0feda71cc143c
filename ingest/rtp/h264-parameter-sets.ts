// The newest sequence and picture parameter sets of an H.264 stream, and the configuration record
// made of them. The depacketizer learns every set here and describes its keyframes with them.

import { concatBytes, equalBytes } from './byte-view.ts';
import type { VideoConfiguration } from './encoded-frame.ts';
import {
  parsePictureParametersId,
  parseSequenceParameters,
  type SequenceParameters,
} from './h264-sequence-parameters.ts';

const typeSequenceParameters = 7;
/** The format allows 256; encoders use one or two. */
const maxPictureSets = 16;
const maxPictureSetBytes = 4_096;
/** ISO/IEC 14496-15 §5.3.3.1.2: profiles whose record ends with format and bit depths. */
const profilesWithExtension = new Set([100, 110, 122, 144, 244]);

export class H264ParameterSets {
  #sequence: { readonly nalUnit: Uint8Array; readonly parameters: SequenceParameters } | null =
    null;
  readonly #pictures = new Map<number, Uint8Array>();

  /**
   * Keeps a NAL unit of type 7 or 8; one that cannot be read is ignored.
   * @returns whether it differs from what was known
   */
  learn(nalUnit: Uint8Array): boolean {
    return ((nalUnit[0] ?? 0) & 0x1f) === typeSequenceParameters
      ? this.#learnSequence(nalUnit)
      : this.#learnPicture(nalUnit);
  }

  /** All sets as NAL units, sequence first; empty while one of the two kinds is unknown. */
  nalUnits(): Uint8Array[] {
    if (this.#sequence === null || this.#pictures.size === 0) return [];
    return [this.#sequence.nalUnit, ...this.#pictures.values()];
  }

  /** What a decoder needs, `null` while one of the two kinds is unknown. */
  configuration(): VideoConfiguration | null {
    if (this.#sequence === null || this.#pictures.size === 0) return null;
    const { nalUnit, parameters } = this.#sequence;
    const pictures = [...this.#pictures.values()];
    return {
      widthPx: parameters.widthPx,
      heightPx: parameters.heightPx,
      decoderConfiguration: buildConfigurationRecord(nalUnit, pictures, parameters),
    };
  }

  #learnSequence(nalUnit: Uint8Array): boolean {
    if (this.#sequence !== null && equalBytes(this.#sequence.nalUnit, nalUnit)) return false;
    const parameters = parseSequenceParameters(nalUnit);
    if (parameters === null) return false;
    this.#sequence = { nalUnit: nalUnit.slice(), parameters };
    // Picture sets refer to a sequence set: the old ones belong to the old one.
    this.#pictures.clear();
    return true;
  }

  #learnPicture(nalUnit: Uint8Array): boolean {
    const id = parsePictureParametersId(nalUnit);
    if (id === null || nalUnit.length > maxPictureSetBytes) return false;
    const known = this.#pictures.get(id);
    if (known !== undefined && equalBytes(known, nalUnit)) return false;
    if (known === undefined && this.#pictures.size >= maxPictureSets) return false;
    this.#pictures.set(id, nalUnit.slice());
    return true;
  }
}

/** AVCDecoderConfigurationRecord (ISO/IEC 14496-15 §5.3.3.1.2) with lengths of four bytes. */
function buildConfigurationRecord(
  sequence: Uint8Array,
  pictures: readonly Uint8Array[],
  parameters: SequenceParameters,
): Uint8Array {
  const { profileIdc, constraintFlags, levelIdc } = parameters;
  const parts = [
    Uint8Array.of(1, profileIdc, constraintFlags, levelIdc, 0xff, 0xe1),
    sizeOf(sequence),
    sequence,
    Uint8Array.of(pictures.length),
    ...pictures.flatMap((picture) => [sizeOf(picture), picture]),
  ];
  if (profilesWithExtension.has(profileIdc)) {
    const chroma = 0xfc | parameters.chromaFormatIdc;
    const lumaDepth = 0xf8 | (parameters.bitDepthLuma - 8);
    const chromaDepth = 0xf8 | (parameters.bitDepthChroma - 8);
    parts.push(Uint8Array.of(chroma, lumaDepth, chromaDepth, 0));
  }
  return concatBytes(parts);
}

function sizeOf(nalUnit: Uint8Array): Uint8Array {
  return Uint8Array.of(nalUnit.length >> 8, nalUnit.length & 0xff);
}
