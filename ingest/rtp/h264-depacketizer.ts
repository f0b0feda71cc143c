// H.264 from RTP (RFC 6184, packetization-mode 1): single NAL units, STAP-A and FU-A become
// access units with length prefixes. Keyframes leave with the sets that describe them.

import { concatBytes, viewOf } from './byte-view.ts';
import { type AssembledFrame, FrameAssembler, type FrameCodec } from './frame-assembler.ts';
import { H264ParameterSets } from './h264-parameter-sets.ts';

const typeSlice = 1;
const typePartitionA = 2;
const typeIdrSlice = 5;
const typeSequenceParameters = 7;
const typePictureParameters = 8;
const typeStapA = 24;
const typeFuA = 28;
/**
 * NAL units that no decoder behind us needs: access unit delimiters (Matroska frames are access
 * units), end of sequence and stream, filler. SEI stays: it carries captions.
 */
const droppedTypes = new Set([9, 10, 11, 12]);
const maxNalUnits = 2_048;

class H264Frame implements FrameCodec {
  readonly #sets = new H264ParameterSets();
  #nalUnits: Uint8Array[] = [];
  #fragments: Uint8Array[] | null = null;
  #fragmentType = 0;
  #hasIdr = false;
  #hasSequenceSet = false;
  #hasPicture = false;
  #isReference = false;
  /** New sets came since the last frame that carried them. */
  #setsChanged = false;

  addPayload(payload: Uint8Array): boolean {
    const type = (payload[0] ?? 0) & 0x1f;
    // RFC 6184 §5.8: the fragments of a NAL unit follow one another.
    if (this.#fragments !== null && type !== typeFuA) return false;
    if (type >= 1 && type <= 23) return this.#addNalUnit(payload);
    if (type === typeStapA) return this.#addAggregate(payload);
    if (type === typeFuA) return this.#addFragment(payload);
    return false;
  }

  takeFrame(followsLoss: boolean): AssembledFrame {
    const isCutOff = this.#fragments !== null;
    const nalUnits = this.#nalUnits;
    const hasIdr = this.#hasIdr;
    const hasOwnSets = this.#hasSequenceSet;
    const hasPicture = this.#hasPicture;
    const isDisposable = !this.#isReference;
    this.#nalUnits = [];
    this.#fragments = null;
    this.#hasIdr = false;
    this.#hasSequenceSet = false;
    this.#hasPicture = false;
    this.#isReference = false;
    if (isCutOff) return { outcome: 'broken' };
    if (!hasPicture) return { outcome: 'nothing' };
    // The lost packets may have held new parameter sets for exactly this keyframe.
    if (hasIdr && followsLoss && !hasOwnSets) return { outcome: 'broken' };
    const configuration = hasIdr ? this.#sets.configuration() : null;
    // A keyframe whose parameter sets never came cannot be decoded: ask for another.
    if (hasIdr && configuration === null) return { outcome: 'broken' };
    // Every keyframe carries its sets in band too, so that a new size needs nothing out of band.
    const needsSets = hasIdr || this.#setsChanged;
    this.#setsChanged = false;
    const complete = needsSets ? [...this.#sets.nalUnits(), ...nalUnits] : nalUnits;
    return { outcome: 'whole', payload: withLengths(complete), configuration, isDisposable };
  }

  #addNalUnit(nalUnit: Uint8Array): boolean {
    const type = (nalUnit[0] ?? 0) & 0x1f;
    // Without its first byte of payload a NAL unit of these types says nothing.
    if (nalUnit.length < 2 && !droppedTypes.has(type)) return false;
    if (type === typeSequenceParameters || type === typePictureParameters) {
      if (this.#sets.learn(nalUnit)) this.#setsChanged = true;
      if (type === typeSequenceParameters) this.#hasSequenceSet = true;
      return true;
    }
    return droppedTypes.has(type) || this.#addContent(type, nalUnit);
  }

  #addContent(type: number, nalUnit: Uint8Array): boolean {
    if (this.#nalUnits.length >= maxNalUnits) return false;
    if (type === typeSlice || type === typePartitionA || type === typeIdrSlice) {
      // §7.3.3: first_mb_in_slice is the first code of a slice; a picture begins with 0, the
      // single bit 1. Otherwise its beginning was lost before reception began.
      const startsPicture = ((nalUnit[1] ?? 0) & 0x80) !== 0;
      if (!this.#hasPicture && !startsPicture) return false;
      this.#hasPicture = true;
      // §7.4.1: nal_ref_idc is 0 when nothing refers to the picture.
      if (((nalUnit[0] ?? 0) & 0x60) !== 0) this.#isReference = true;
    }
    if (type === typeIdrSlice) this.#hasIdr = true;
    this.#nalUnits.push(nalUnit);
    return true;
  }

  /** RFC 6184 §5.7.1. */
  #addAggregate(payload: Uint8Array): boolean {
    const view = viewOf(payload);
    let offset = 1;
    while (offset < payload.length) {
      if (offset + 2 > payload.length) return false;
      const sizeBytes = view.getUint16(offset);
      const end = offset + 2 + sizeBytes;
      if (sizeBytes === 0 || end > payload.length) return false;
      const nalUnit = payload.subarray(offset + 2, end);
      const type = (nalUnit[0] ?? 0) & 0x1f;
      if (type === 0 || type > 23 || !this.#addNalUnit(nalUnit)) return false;
      offset = end;
    }
    return offset > 1;
  }

  /** RFC 6184 §5.8. */
  #addFragment(payload: Uint8Array): boolean {
    if (payload.length < 3) return false;
    const indicator = payload[0] ?? 0;
    const header = payload[1] ?? 0;
    const isStart = (header & 0x80) !== 0;
    const isEnd = (header & 0x40) !== 0;
    const type = header & 0x1f;
    if (type === 0 || type > 23 || (isStart && isEnd)) return false;
    if (isStart !== (this.#fragments === null)) return false;
    if (isStart) {
      this.#fragments = [Uint8Array.of((indicator & 0xe0) | type)];
      this.#fragmentType = type;
    }
    const fragments = this.#fragments;
    if (fragments === null || type !== this.#fragmentType) return false;
    fragments.push(payload.subarray(2));
    if (!isEnd) return true;
    this.#fragments = null;
    return this.#addNalUnit(concatBytes(fragments));
  }
}

function withLengths(nalUnits: readonly Uint8Array[]): Uint8Array {
  return concatBytes(
    nalUnits.flatMap((nalUnit) => {
      const length = new Uint8Array(4);
      viewOf(length).setUint32(0, nalUnit.length);
      return [length, nalUnit];
    }),
  );
}

/** Gives access units in the form of ISO/IEC 14496-15, each NAL unit behind its length. */
export class H264Depacketizer extends FrameAssembler {
  constructor() {
    super(new H264Frame());
  }
}
