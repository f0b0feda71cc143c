// A sender's half of RTP for VP9 (RFC 9628) and AV1 (AOM's payload format), for tests. Written from
// the specifications, apart from the receiver, so that one checks the other.

/** How a VP9 sender describes its pictures. */
export interface Vp9Style {
  readonly isFlexible: boolean;
  readonly hasLayers: boolean;
}

/** RTP payloads of one VP9 frame with a 15-bit picture id, as senders of one layer do it. */
export function packVp9(
  frame: Uint8Array,
  pictureId: number,
  maxPayloadBytes: number,
  style: Vp9Style,
): Uint8Array[] {
  // Frame marker 2 and profile 0: then show_existing_frame and frame_type, 0 for keyframes.
  const isKeyframe = ((frame[0] ?? 0) & 0x0c) === 0;
  const step = maxPayloadBytes - 24;
  const payloads: Uint8Array[] = [];
  for (let offset = 0; offset < frame.length; offset += step) {
    const isFirst = offset === 0;
    const isLast = offset + step >= frame.length;
    const refersBack = style.isFlexible && !isKeyframe;
    const hasStructure = isFirst && isKeyframe;
    const first =
      0x80 |
      (isKeyframe ? 0 : 0x40) |
      (style.hasLayers ? 0x20 : 0) |
      (style.isFlexible ? 0x10 : 0) |
      (isFirst ? 0x08 : 0) |
      (isLast ? 0x04 : 0) |
      (hasStructure ? 0x02 : 0);
    payloads.push(
      Buffer.concat(
        [
          Uint8Array.of(first, 0x80 | ((pictureId >> 8) & 0x7f), pictureId & 0xff),
          style.hasLayers ? Uint8Array.of(0, ...(style.isFlexible ? [] : [pictureId & 0xff])) : [],
          // Two references: to the last and the last but one.
          refersBack ? Uint8Array.of((1 << 1) | 1, 2 << 1) : [],
          // One layer with its size, a group of two pictures with one reference each.
          hasStructure ? Uint8Array.of(0x18, 1, 64, 0, 180, 2, 0x04, 1, 0x04, 2) : [],
          frame.subarray(offset, offset + step),
        ].map((part) => Buffer.from(part)),
      ),
    );
  }
  return payloads;
}

function leb128(value: number): number[] {
  return value < 128 ? [value] : [(value & 0x7f) | 0x80, ...leb128(value >> 7)];
}

export interface SizedObu {
  readonly type: number;
  /** With its size field. */
  readonly whole: Uint8Array;
  /** As RTP carries it: without the size field. */
  readonly bare: Uint8Array;
}

/** The units of a temporal unit whose units all have sizes and no extension. */
export function splitObus(temporalUnit: Uint8Array): SizedObu[] {
  const obus: SizedObu[] = [];
  for (let offset = 0; offset < temporalUnit.length; ) {
    const header = temporalUnit[offset] ?? 0;
    let sizeBytes = 0;
    let at = offset + 1;
    for (let shift = 0; ; shift += 7) {
      const byte = temporalUnit[at] ?? 0;
      sizeBytes |= (byte & 0x7f) << shift;
      at += 1;
      if ((byte & 0x80) === 0) break;
    }
    const payload = temporalUnit.subarray(at, at + sizeBytes);
    obus.push({
      type: (header >> 3) & 0x0f,
      whole: temporalUnit.subarray(offset, at + sizeBytes),
      bare: Buffer.concat([Uint8Array.of(header & ~0x02), payload]),
    });
    offset = at + sizeBytes;
  }
  return obus;
}

/**
 * RTP payloads of one temporal unit.
 * @param isCounted whether the packets say how many elements they have (`W`), as Chromium's do
 */
export function packAv1(
  obus: readonly Uint8Array[],
  maxPayloadBytes: number,
  isCounted: boolean,
): Uint8Array[] {
  const payloads: Uint8Array[] = [];
  let elements: Uint8Array[] = [];
  let continuesFirst = false;
  const usedBytes = (): number => elements.reduce((sum, element) => sum + element.length + 3, 1);
  const flush = (continuesInNext: boolean): void => {
    if (elements.length === 0) return;
    const count = isCounted && elements.length <= 3 ? elements.length : 0;
    const flags = (continuesFirst ? 0x80 : 0) | (continuesInNext ? 0x40 : 0) | (count << 4);
    const parts = elements.flatMap((element, index) => {
      const hasLength = count === 0 || index < count - 1;
      return hasLength ? [Uint8Array.from(leb128(element.length)), element] : [element];
    });
    payloads.push(Buffer.concat([Uint8Array.of(flags), ...parts]));
    elements = [];
    continuesFirst = continuesInNext;
  };
  for (const obu of obus) {
    let rest = obu;
    for (;;) {
      const room = maxPayloadBytes - usedBytes() - 3;
      if (rest.length <= room) break;
      if (room > 0) {
        elements.push(rest.subarray(0, room));
        rest = rest.subarray(room);
        flush(true);
      } else flush(false);
    }
    elements.push(rest);
  }
  flush(false);
  return payloads;
}
