// The messages of Shoal's own exchange, binary, little-endian, which may come one behind the other in what
// a data channel brings, of at most 256 KiB. What does not parse is `null`: the link that sent it is closed.

/** Version of these messages; viewers of another one are told goodbye. */
export const exchangeVersion = 2;

/** Messages that may come as one. */
export const maxJoinedMessages = 16;

export type PieceMessage =
  | { readonly kind: 'hello'; readonly version: number; readonly canUpload: boolean }
  | {
      readonly kind: 'have';
      readonly segment: number;
      /** First two bytes of the segment's piece root: the same number may be another broadcast's. */
      readonly tag: number;
      readonly pieceCount: number;
      readonly bits: Uint8Array;
      readonly claims: number;
    }
  | {
      readonly kind: 'request';
      readonly segment: number;
      readonly piece: number;
      readonly deadlineInMs: number;
      /** The asker lacks the list of digests. */
      readonly wantsList: boolean;
    }
  | { readonly kind: 'cancel'; readonly segment: number; readonly piece: number }
  | {
      readonly kind: 'piece';
      readonly segment: number;
      readonly piece: number;
      readonly bytes: Uint8Array<ArrayBuffer>;
    }
  | { readonly kind: 'list'; readonly segment: number; readonly list: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'bye' };

const codes = { hello: 1, have: 2, request: 3, cancel: 4, piece: 5, list: 6, bye: 7 } as const;
const magic = 0x4c414f53; // "SOAL"
const pieceHeaderBytes = 10;
const maxPieceBytes = 4 * 1024 * 1024;
const maxListBytes = 64 * 16;
const maxDeadlineMs = 0xffff;

function buffer(size: number, code: number): { bytes: Uint8Array<ArrayBuffer>; view: DataView } {
  const bytes = new Uint8Array(size);
  bytes[0] = code;
  return { bytes, view: new DataView(bytes.buffer) };
}

export function encodeHello(canUpload: boolean): Uint8Array<ArrayBuffer> {
  const { bytes, view } = buffer(7, codes.hello);
  view.setUint32(1, magic, true);
  bytes[5] = exchangeVersion;
  bytes[6] = canUpload ? 1 : 0;
  return bytes;
}

export function encodeHave(
  segment: number,
  tag: number,
  pieceCount: number,
  bits: Uint8Array,
  claims: number,
): Uint8Array<ArrayBuffer> {
  const { bytes, view } = buffer(10 + bits.length, codes.have);
  view.setUint32(1, segment, true);
  view.setUint16(5, tag, true);
  bytes[7] = pieceCount;
  view.setUint16(8, claims, true);
  bytes.set(bits, 10);
  return bytes;
}

export function encodeRequest(
  segment: number,
  piece: number,
  deadlineInMs: number,
  wantsList: boolean,
): Uint8Array<ArrayBuffer> {
  const { bytes, view } = buffer(9, codes.request);
  view.setUint32(1, segment, true);
  bytes[5] = piece;
  view.setUint16(6, Math.max(0, Math.min(maxDeadlineMs, Math.round(deadlineInMs))), true);
  bytes[8] = wantsList ? 1 : 0;
  return bytes;
}

export function encodeCancel(segment: number, piece: number): Uint8Array<ArrayBuffer> {
  const { bytes, view } = buffer(6, codes.cancel);
  view.setUint32(1, segment, true);
  bytes[5] = piece;
  return bytes;
}

export function encodePiece(
  segment: number,
  piece: number,
  body: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const { bytes, view } = buffer(pieceHeaderBytes + body.length, codes.piece);
  view.setUint32(1, segment, true);
  bytes[5] = piece;
  view.setUint32(6, body.length, true);
  bytes.set(body, pieceHeaderBytes);
  return bytes;
}

export function encodeList(segment: number, list: Uint8Array): Uint8Array<ArrayBuffer> {
  const { bytes, view } = buffer(5 + list.length, codes.list);
  view.setUint32(1, segment, true);
  bytes.set(list, 5);
  return bytes;
}

export function encodeBye(): Uint8Array<ArrayBuffer> {
  return buffer(1, codes.bye).bytes;
}

/**
 * The messages in `data`, or `null` when something in it is none of ours. A piece's bytes are those of
 * `data`, not a copy.
 */
export function decodeMessages(data: Uint8Array<ArrayBuffer>): PieceMessage[] | null {
  const messages: PieceMessage[] = [];
  for (let offset = 0; offset < data.length || messages.length === 0; ) {
    const rest = data.subarray(offset);
    const sizeBytes = joinableSizeOf(rest) ?? rest.length;
    const message =
      messages.length < maxJoinedMessages ? decode(rest.subarray(0, sizeBytes)) : null;
    if (message === null) return null;
    messages.push(message);
    offset += sizeBytes;
  }
  return messages;
}

/** Of the messages that others may follow; `null` of those that are as long as what they come in. */
export function joinableSizeOf(data: Uint8Array): number | null {
  switch (data[0]) {
    case codes.piece: {
      if (data.length < pieceHeaderBytes) return null;
      const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
      return pieceHeaderBytes + view.getUint32(6, true);
    }
    case codes.have:
      return 10 + Math.ceil((data[7] ?? 0) / 8);
    case codes.request:
      return 9;
    case codes.cancel:
      return 6;
    default:
      return null;
  }
}

function decode(data: Uint8Array<ArrayBuffer>): PieceMessage | null {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const size = data.length;
  switch (data[0]) {
    case codes.hello:
      if (size < 7 || view.getUint32(1, true) !== magic) return null;
      return { kind: 'hello', version: view.getUint8(5), canUpload: (view.getUint8(6) & 1) === 1 };
    case codes.have:
      return size < 11 ? null : decodeHave(data, view);
    case codes.request:
      if (size !== 9) return null;
      return {
        kind: 'request',
        segment: view.getUint32(1, true),
        piece: view.getUint8(5),
        deadlineInMs: view.getUint16(6, true),
        wantsList: (view.getUint8(8) & 1) === 1,
      };
    case codes.cancel:
      return size !== 6
        ? null
        : { kind: 'cancel', segment: view.getUint32(1, true), piece: view.getUint8(5) };
    case codes.piece:
      if (size <= pieceHeaderBytes || size > maxPieceBytes) return null;
      if (size !== pieceHeaderBytes + view.getUint32(6, true)) return null;
      return {
        kind: 'piece',
        segment: view.getUint32(1, true),
        piece: view.getUint8(5),
        bytes: data.subarray(pieceHeaderBytes),
      };
    case codes.list:
      if (size < 6 || size > 5 + maxListBytes) return null;
      return {
        kind: 'list',
        segment: view.getUint32(1, true),
        list: new Uint8Array(data.subarray(5)),
      };
    case codes.bye:
      return size === 1 ? { kind: 'bye' } : null;
    default:
      return null;
  }
}

function decodeHave(data: Uint8Array, view: DataView): PieceMessage | null {
  const pieceCount = view.getUint8(7);
  const bits = data.slice(10);
  if (pieceCount === 0 || pieceCount > 64 || bits.length !== Math.ceil(pieceCount / 8)) return null;
  return {
    kind: 'have',
    segment: view.getUint32(1, true),
    tag: view.getUint16(5, true),
    pieceCount,
    claims: view.getUint16(8, true),
    bits,
  };
}
