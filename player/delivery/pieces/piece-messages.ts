// The messages of Shoal's own exchange, binary, little-endian, which may come one behind the other in what
// a data channel brings, of at most 256 KiB. What does not parse is `null`: the link that sent it is closed.

import { pieceDigestBytes } from '@shoal/ingest/protocol';
import type { MediaTrack } from '../media-segment.ts';

/** Version of these messages; viewers of another one are told goodbye. */
export const exchangeVersion = 3;

/** Messages that may come as one. */
export const maxJoinedMessages = 32;

export type PieceMessage =
  | {
      readonly kind: 'hello';
      readonly version: number;
      readonly canUpload: boolean;
      /** Which playlist's segments are meant: of a stream's sounds neighbours may play different ones. */
      readonly content: number;
    }
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
/** Set in the code of what is about the sound that goes with the pictures. */
const soundBit = 0x80;
const helloBytes = 11;
/** Of the versions before, as far as it has to be understood to be refused. */
const leastHelloBytes = 7;
const pieceHeaderBytes = 10;
const listHeaderBytes = 6;
const maxPieceBytes = 4 * 1024 * 1024;
const maxDigests = 64;
const maxDeadlineMs = 0xffff;

function buffer(size: number, code: number): { bytes: Uint8Array<ArrayBuffer>; view: DataView } {
  const bytes = new Uint8Array(size);
  bytes[0] = code;
  return { bytes, view: new DataView(bytes.buffer) };
}

/** Makes a message one about the sound; changes it in place. */
export function aboutSound(message: Uint8Array): Uint8Array {
  message[0] = (message[0] ?? 0) | soundBit;
  return message;
}

/** @param content see {@link contentOf} */
export function encodeHello(canUpload: boolean, content: number): Uint8Array<ArrayBuffer> {
  const { bytes, view } = buffer(helloBytes, codes.hello);
  view.setUint32(1, magic, true);
  bytes[5] = exchangeVersion;
  bytes[6] = canUpload ? 1 : 0;
  view.setUint32(7, content, true);
  return bytes;
}

/** 32 bits that stand for a playlist, by its path: hosts differ where there are several CDNs (FNV-1a). */
export function contentOf(playlistPath: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < playlistPath.length; index += 1)
    hash = Math.imul(hash ^ playlistPath.charCodeAt(index), 0x01000193);
  return hash >>> 0;
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
  const bytes = new Uint8Array(pieceHeaderBytes + body.length);
  bytes.set(encodePieceHeader(segment, piece, body.length));
  bytes.set(body, pieceHeaderBytes);
  return bytes;
}

/** What comes before the bytes of a piece. */
export function encodePieceHeader(
  segment: number,
  piece: number,
  sizeBytes: number,
): Uint8Array<ArrayBuffer> {
  const { bytes, view } = buffer(pieceHeaderBytes, codes.piece);
  view.setUint32(1, segment, true);
  bytes[5] = piece;
  view.setUint32(6, sizeBytes, true);
  return bytes;
}

export function encodeList(segment: number, list: Uint8Array): Uint8Array<ArrayBuffer> {
  const { bytes, view } = buffer(listHeaderBytes + list.length, codes.list);
  view.setUint32(1, segment, true);
  bytes[5] = list.length / pieceDigestBytes;
  bytes.set(list, listHeaderBytes);
  return bytes;
}

export function encodeBye(): Uint8Array<ArrayBuffer> {
  return buffer(1, codes.bye).bytes;
}

/**
 * The messages in `data` by what they are about, or `null` when something in it is none of ours. A
 * piece's bytes are those of `data`, not a copy.
 */
export function decodeMessages(
  data: Uint8Array<ArrayBuffer>,
): Readonly<Record<MediaTrack, readonly PieceMessage[]>> | null {
  const messages: Record<MediaTrack, PieceMessage[]> = { main: [], audio: [] };
  let count = 0;
  for (let offset = 0; offset < data.length || count === 0; count += 1) {
    const rest = data.subarray(offset);
    const sizeBytes = messageSizeOf(rest);
    const message = count < maxJoinedMessages ? decode(rest.subarray(0, sizeBytes)) : null;
    if (message === null) return null;
    messages[((rest[0] ?? 0) & soundBit) === 0 ? 'main' : 'audio'].push(message);
    offset += sizeBytes;
  }
  return messages;
}

/** Of the first message in `data`; more than there is when it is cut off or none of ours. */
export function messageSizeOf(data: Uint8Array): number {
  switch (codeOf(data)) {
    case codes.hello:
      return Math.min(helloBytes, data.length);
    case codes.have:
      return 10 + Math.ceil((data[7] ?? 0) / 8);
    case codes.request:
      return 9;
    case codes.cancel:
      return 6;
    case codes.piece: {
      if (data.length < pieceHeaderBytes) return pieceHeaderBytes;
      const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
      return pieceHeaderBytes + view.getUint32(6, true);
    }
    case codes.list:
      return listHeaderBytes + (data[5] ?? 0) * pieceDigestBytes;
    case codes.bye:
      return 1;
    default:
      return data.length;
  }
}

/** What kind of message it is, whatever it is about. */
export function codeOf(data: Uint8Array): number {
  return (data[0] ?? 0) & ~soundBit;
}

function decode(data: Uint8Array<ArrayBuffer>): PieceMessage | null {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const size = data.length;
  switch (codeOf(data)) {
    case codes.hello:
      if (size < leastHelloBytes || view.getUint32(1, true) !== magic) return null;
      return {
        kind: 'hello',
        version: view.getUint8(5),
        canUpload: (view.getUint8(6) & 1) === 1,
        content: size < helloBytes ? 0 : view.getUint32(7, true),
      };
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
      if (size !== messageSizeOf(data) || size > listHeaderBytes + maxDigests * pieceDigestBytes)
        return null;
      return {
        kind: 'list',
        segment: view.getUint32(1, true),
        list: new Uint8Array(data.subarray(listHeaderBytes)),
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
