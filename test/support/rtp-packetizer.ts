// A sender's half of RTP for tests: packs frames as RFC 6184 and RFC 7741 say and writes packets.
// Written from the RFCs, apart from the receiver, so that one checks the other.

export interface PacketFields {
  readonly payloadType: number;
  readonly sequenceNumber: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly marker: boolean;
  readonly payload: Uint8Array;
  readonly transportSequenceNumber?: number;
  /** The byte of 3GPP TS 26.114 §7.4.5. */
  readonly orientation?: number;
}

export const transportSequenceExtensionId = 3;
export const orientationExtensionId = 13;

/** Elements of one byte of header (RFC 8285 §4.2), filled up to whole words. */
function headerExtensions({ transportSequenceNumber, orientation }: PacketFields): Buffer {
  const elements: number[] = [];
  if (transportSequenceNumber !== undefined) {
    const value = transportSequenceNumber & 0xffff;
    elements.push((transportSequenceExtensionId << 4) | 1, value >> 8, value & 0xff);
  }
  if (orientation !== undefined) elements.push(orientationExtensionId << 4, orientation);
  if (elements.length === 0) return Buffer.alloc(0);
  while (elements.length % 4 !== 0) elements.push(0);
  return Buffer.from([0xbe, 0xde, 0, elements.length / 4, ...elements]);
}

/** One RTP packet, with the header extensions that are given. */
export function writeRtpPacket(fields: PacketFields): Uint8Array {
  const header = Buffer.alloc(12);
  const extension = headerExtensions(fields);
  header[0] = 0x80 | (extension.length > 0 ? 0x10 : 0);
  header[1] = (fields.marker ? 0x80 : 0) | fields.payloadType;
  header.writeUInt16BE(fields.sequenceNumber & 0xffff, 2);
  header.writeUInt32BE(fields.timestamp >>> 0, 4);
  header.writeUInt32BE(fields.ssrc, 8);
  return Buffer.concat([header, extension, fields.payload]);
}

/** NAL units of an Annex B stream, without start codes. */
export function splitAnnexB(stream: Uint8Array): Uint8Array[] {
  const starts: { code: number; unit: number }[] = [];
  for (let index = 0; index + 2 < stream.length; index += 1) {
    if (stream[index] === 0 && stream[index + 1] === 0 && stream[index + 2] === 1) {
      starts.push({
        code: index > 0 && stream[index - 1] === 0 ? index - 1 : index,
        unit: index + 3,
      });
    }
  }
  return starts.map(({ unit }, index) => stream.subarray(unit, starts[index + 1]?.code));
}

const nalType = (unit: Uint8Array): number => (unit[0] ?? 0) & 0x1f;

/** Access units of an encoder that writes each picture as slices after its parameter sets. */
export function splitAccessUnits(units: readonly Uint8Array[]): Uint8Array[][] {
  const pictures: Uint8Array[][] = [];
  let open: Uint8Array[] = [];
  let hasSlice = false;
  for (const unit of units) {
    const isSlice = nalType(unit) === 1 || nalType(unit) === 5;
    const startsPicture = isSlice && ((unit[1] ?? 0) & 0x80) !== 0;
    if (hasSlice && (startsPicture || !isSlice)) {
      pictures.push(open);
      open = [];
      hasSlice = false;
    }
    open.push(unit);
    hasSlice ||= isSlice;
  }
  if (open.length > 0) pictures.push(open);
  return pictures;
}

/** RTP payloads of one access unit: small units together (STAP-A), large ones apart (FU-A). */
export function packH264(units: readonly Uint8Array[], maxPayloadBytes: number): Uint8Array[] {
  const payloads: Uint8Array[] = [];
  let aggregate: Uint8Array[] = [];
  const flush = (): void => {
    const [only] = aggregate;
    if (aggregate.length === 1 && only !== undefined) payloads.push(only);
    else if (aggregate.length > 1) {
      const sized = aggregate.flatMap((unit) => {
        const size = Buffer.alloc(2);
        size.writeUInt16BE(unit.length);
        return [size, unit];
      });
      payloads.push(Buffer.concat([Uint8Array.of(0x60 | 24), ...sized]));
    }
    aggregate = [];
  };
  for (const unit of units) {
    if (unit.length > maxPayloadBytes) {
      flush();
      payloads.push(...fragment(unit, maxPayloadBytes));
      continue;
    }
    const used = aggregate.reduce((sum, held) => sum + held.length + 2, 1);
    if (used + unit.length + 2 > maxPayloadBytes) flush();
    aggregate.push(unit);
  }
  flush();
  return payloads;
}

function fragment(unit: Uint8Array, maxPayloadBytes: number): Uint8Array[] {
  const first = unit[0] ?? 0;
  const fragments: Uint8Array[] = [];
  const step = maxPayloadBytes - 2;
  for (let offset = 1; offset < unit.length; offset += step) {
    const isStart = offset === 1;
    const isEnd = offset + step >= unit.length;
    const header = (isStart ? 0x80 : 0) | (isEnd ? 0x40 : 0) | (first & 0x1f);
    fragments.push(
      Buffer.concat([
        Uint8Array.of((first & 0xe0) | 28, header),
        unit.subarray(offset, offset + step),
      ]),
    );
  }
  return fragments;
}

/** RTP payloads of one VP8 frame, with a 15-bit picture id. */
export function packVp8(
  frame: Uint8Array,
  pictureId: number,
  maxPayloadBytes: number,
): Uint8Array[] {
  const payloads: Uint8Array[] = [];
  const step = maxPayloadBytes - 4;
  for (let offset = 0; offset < frame.length; offset += step) {
    const descriptor = Uint8Array.of(
      0x80 | (offset === 0 ? 0x10 : 0),
      0x80,
      0x80 | ((pictureId >> 8) & 0x7f),
      pictureId & 0xff,
    );
    payloads.push(Buffer.concat([descriptor, frame.subarray(offset, offset + step)]));
  }
  return payloads;
}

/** Frames of an IVF file. */
export function splitIvf(file: Uint8Array): Uint8Array[] {
  const view = Buffer.from(file);
  const frames: Uint8Array[] = [];
  let offset = view.readUInt16LE(6);
  while (offset + 12 <= view.length) {
    const sizeBytes = view.readUInt32LE(offset);
    frames.push(view.subarray(offset + 12, offset + 12 + sizeBytes));
    offset += 12 + sizeBytes;
  }
  return frames;
}
