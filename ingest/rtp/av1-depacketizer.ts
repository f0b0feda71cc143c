// AV1 from RTP ("RTP Payload Format For AV1" v1.0): aggregated and fragmented units become temporal
// units with size fields. Keyframes leave with the configuration from their sequence header.

import { type Obu, obuTypes, parseObu, readLeb128, writeObu } from './av1-obu.ts';
import { av1ConfigurationOf } from './av1-sequence-header.ts';
import { concatBytes } from './byte-view.ts';
import type { VideoConfiguration } from './encoded-frame.ts';
import { type AssembledFrame, FrameAssembler, type FrameCodec } from './frame-assembler.ts';

/** What files leave out of a temporal unit (Matroska's AV1 mapping), and what says nothing. */
const droppedTypes: ReadonlySet<number> = new Set([
  obuTypes.temporalDelimiter,
  obuTypes.tileList,
  obuTypes.padding,
]);
const maxUnits = 1_024;
const frameTypeKey = 0;

class Av1TemporalUnit implements FrameCodec {
  #units: Obu[] = [];
  #fragments: Uint8Array[] | null = null;
  #configuration: VideoConfiguration | null = null;
  #hasOwnSequenceHeader = false;

  addPayload(payload: Uint8Array): boolean {
    const elements = splitElements(payload);
    if (elements === null) return false;
    const aggregation = payload[0] ?? 0;
    const continuesFirst = (aggregation & 0x80) !== 0;
    const continuesInNext = (aggregation & 0x40) !== 0;
    if (continuesFirst !== (this.#fragments !== null)) return false;
    return elements.every((element, index) => {
      const isOpen = continuesInNext && index === elements.length - 1;
      return this.#addElement(element, isOpen);
    });
  }

  takeFrame(followsLoss: boolean): AssembledFrame {
    const units = this.#units;
    const isCutOff = this.#fragments !== null;
    const hasOwnSequenceHeader = this.#hasOwnSequenceHeader;
    this.#units = [];
    this.#fragments = null;
    this.#hasOwnSequenceHeader = false;
    if (isCutOff) return { outcome: 'broken' };
    const picture = units.find(
      ({ type }) => type === obuTypes.frame || type === obuTypes.frameHeader,
    );
    if (picture === undefined) return { outcome: followsLoss ? 'broken' : 'nothing' };
    const isKeyframe = isKeyPicture(picture);
    // A keyframe without its sequence header cannot begin anything: the header was lost.
    if (isKeyframe && (this.#configuration === null || !hasOwnSequenceHeader)) {
      return { outcome: 'broken' };
    }
    const payload = concatBytes(units.map(writeObu));
    return { outcome: 'whole', payload, configuration: isKeyframe ? this.#configuration : null };
  }

  #addElement(element: Uint8Array, isOpen: boolean): boolean {
    const fragments = this.#fragments ?? [];
    fragments.push(element); // the assembler bounds the frame's size
    this.#fragments = isOpen ? fragments : null;
    if (isOpen) return true;
    const obu = parseObu(fragments.length === 1 ? element : concatBytes(fragments));
    if (obu === null || this.#units.length >= maxUnits) return false;
    if (droppedTypes.has(obu.type)) return true;
    if (obu.type === obuTypes.sequenceHeader) {
      this.#configuration = av1ConfigurationOf(obu);
      this.#hasOwnSequenceHeader = true;
      if (this.#configuration === null) return false;
    }
    this.#units.push(obu);
    return true;
  }
}

/** §5.9.2: show_existing_frame, then frame_type. */
function isKeyPicture(picture: Obu): boolean {
  const first = picture.payload[0] ?? 0xff;
  return (first & 0x80) === 0 && ((first >> 5) & 0x03) === frameTypeKey;
}

/**
 * The elements behind the aggregation header (§4.4), or `null` when they cannot be told apart. Of
 * `W` counted elements the last has no length; uncounted ones (0) all have one.
 */
function splitElements(payload: Uint8Array): Uint8Array[] | null {
  const count = ((payload[0] ?? 0) >> 4) & 0x03;
  const elements: Uint8Array[] = [];
  let offset = 1;
  while (offset < payload.length) {
    let end = payload.length;
    if (count === 0 || elements.length < count - 1) {
      const size = readLeb128(payload, offset);
      if (size === null || size.end + size.value > payload.length) return null;
      offset = size.end;
      end = offset + size.value;
    }
    if (end === offset) return null;
    elements.push(payload.subarray(offset, end));
    offset = end;
  }
  return elements.length > 0 && (count === 0 || elements.length === count) ? elements : null;
}

/** Gives temporal units in the low-overhead format, without temporal delimiters. */
export class Av1Depacketizer extends FrameAssembler {
  constructor() {
    super(new Av1TemporalUnit());
  }
}
