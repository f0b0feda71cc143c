// Reads bits and exponential-Golomb codes (ITU-T H.264 §9.1) from a raw byte sequence payload.
// Used by the parser of sequence parameter sets; reading past the end throws RangeError there.

/** Removes emulation prevention bytes (ITU-T H.264 §7.4.1.1): 00 00 03 becomes 00 00. */
export function removeEmulationPrevention(nalUnit: Uint8Array): Uint8Array {
  const clean = new Uint8Array(nalUnit.length);
  let sizeBytes = 0;
  let zeros = 0;
  for (const byte of nalUnit) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    clean[sizeBytes] = byte;
    sizeBytes += 1;
  }
  return clean.subarray(0, sizeBytes);
}

export class BitReader {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  readBit(): number {
    const byte = this.#bytes[this.#position >> 3];
    if (byte === undefined) throw new RangeError('read past the end of the bits');
    const bit = (byte >> (7 - (this.#position & 7))) & 1;
    this.#position += 1;
    return bit;
  }

  /** An unsigned number of `count` bits, at most 32. */
  readBits(count: number): number {
    let value = 0;
    for (let index = 0; index < count; index += 1) value = value * 2 + this.readBit();
    return value;
  }

  /** ue(v): at most 2³² − 2. */
  readUnsigned(): number {
    let leadingZeros = 0;
    while (this.readBit() === 0) {
      leadingZeros += 1;
      if (leadingZeros > 31) throw new RangeError('exponential-Golomb code is too long');
    }
    return 2 ** leadingZeros - 1 + this.readBits(leadingZeros);
  }

  /** se(v). */
  readSigned(): number {
    const code = this.readUnsigned();
    return code % 2 === 1 ? (code + 1) / 2 : -code / 2;
  }
}
