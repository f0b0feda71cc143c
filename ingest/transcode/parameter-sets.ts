// Pure: the H.264 parameter sets inside a decoder configuration, in the form in which frames carry
// NAL units. The transcoder puts them before a keyframe whose configuration is new.

import { concatBytes } from './ebml.ts';

/**
 * SPS and PPS of an AVCDecoderConfigurationRecord (ISO/IEC 14496-15 §5.3.3.1), each behind its
 * length in four bytes.
 * @throws RangeError for a record that ends early
 */
export function parameterSetsOf(configuration: Uint8Array): Uint8Array {
  const view = new DataView(configuration.buffer, configuration.byteOffset, configuration.length);
  const units: Uint8Array[] = [];
  let offset = 5;
  for (const countMask of [0x1f, 0xff]) {
    const count = view.getUint8(offset) & countMask;
    offset += 1;
    for (let index = 0; index < count; index += 1) {
      const length = view.getUint16(offset);
      const prefix = new Uint8Array(4);
      new DataView(prefix.buffer).setUint32(0, length);
      const unit = configuration.subarray(offset + 2, offset + 2 + length);
      if (unit.length !== length) throw new RangeError('the decoder configuration ends early');
      units.push(prefix, unit);
      offset += 2 + length;
    }
  }
  return concatBytes(units);
}
