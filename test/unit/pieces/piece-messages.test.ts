// The binary messages between viewers: what is sent is what is read, and nothing that a stranger
// sends can do more than be refused. player/delivery/pieces/piece-messages.ts.

import { pieceDigestBytes } from '@shoal/ingest/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  aboutSound,
  contentOf,
  decodeMessages,
  encodeBye,
  encodeCancel,
  encodeHave,
  encodeHello,
  encodeList,
  encodePiece,
  encodeRequest,
  exchangeVersion,
  maxJoinedMessages,
  type PieceMessage,
} from '../../../player/delivery/pieces/piece-messages.ts';
import { PieceFlags } from '../../../player/delivery/scheduler/piece-flags.ts';

const number = fc.integer({ min: 0, max: 0xffff_ffff });
const piece = fc.integer({ min: 0, max: 63 });

/** What is read of data that is one message; `null` when it is none, or several. */
function one(data: Uint8Array<ArrayBuffer>): PieceMessage | null {
  const { main = [], audio = [] } = decodeMessages(data) ?? {};
  return main.length === 1 && audio.length === 0 ? (main[0] ?? null) : null;
}

describe('piece messages', () => {
  it('carry a greeting with version and willingness to upload', () => {
    const content = contentOf('/live/a/480p/index.m3u8');
    expect(content).not.toBe(contentOf('/live/a/720p/index.m3u8'));
    expect(one(encodeHello(true, content))).toEqual({
      kind: 'hello',
      version: exchangeVersion,
      canUpload: true,
      content,
    });
    expect(one(encodeBye())).toEqual({ kind: 'bye' });
  });

  it('carry requests and cancellations', () => {
    fc.assert(
      fc.property(
        number,
        piece,
        fc.integer({ min: 0, max: 0xffff }),
        fc.boolean(),
        (segment, index, deadlineInMs, wantsList) => {
          expect(one(encodeRequest(segment, index, deadlineInMs, wantsList))).toEqual({
            kind: 'request',
            segment,
            piece: index,
            deadlineInMs,
            wantsList,
          });
          expect(one(encodeCancel(segment, index))).toEqual({
            kind: 'cancel',
            segment,
            piece: index,
          });
        },
      ),
    );
  });

  it('carry which pieces a viewer has and which slices are being fetched', () => {
    const flags = fc.array(fc.boolean(), { minLength: 1, maxLength: 64 });
    fc.assert(
      fc.property(
        number,
        fc.integer({ min: 0, max: 0xffff }),
        flags,
        fc.integer({ min: 0, max: 0x3ff }),
        (segment, tag, has, claims) => {
          const pieces = new PieceFlags(has.length);
          for (const [index, isThere] of has.entries()) if (isThere) pieces.set(index);
          const message = one(encodeHave(segment, tag, has.length, pieces.toBits(), claims));
          if (message?.kind !== 'have') throw new Error('no have-message');
          expect({ ...message, bits: null }).toEqual({
            kind: 'have',
            segment,
            tag,
            pieceCount: has.length,
            claims,
            bits: null,
          });
          const read = PieceFlags.fromBits(message.bits, message.pieceCount);
          expect(has.map((_, index) => read.has(index))).toEqual(has);
        },
      ),
    );
  });

  it('carry pieces and lists unchanged', () => {
    fc.assert(
      fc.property(
        number,
        piece,
        fc.uint8Array({ minLength: 1, maxLength: 1_000 }),
        (segment, index, body) => {
          const message = one(encodePiece(segment, index, body));
          if (message?.kind !== 'piece') throw new Error('no piece');
          expect([message.segment, message.piece, [...message.bytes]]).toEqual([
            segment,
            index,
            [...body],
          ]);
          const digests = new Uint8Array((1 + (body.length % 64)) * pieceDigestBytes).fill(
            body[0] ?? 0,
          );
          const list = one(encodeList(segment, digests));
          if (list?.kind !== 'list') throw new Error('no list');
          expect([...list.list]).toEqual([...digests]);
        },
      ),
    );
  });

  it('are refused when they are anything else, without an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (data) => {
        const messages = decodeMessages(new Uint8Array(data));
        const count = messages === null ? 1 : messages.main.length + messages.audio.length;
        expect(count).toBeGreaterThan(0);
      }),
    );
    for (const data of [[], [0], [99, 1, 2], [1, 0, 0, 0, 0, 1, 1], [3, 1, 2], [7, 0]]) {
      expect(decodeMessages(new Uint8Array(data))).toBeNull();
    }
  });

  it('may come one behind the other, up to a number of them', () => {
    const joinable = fc.oneof(
      fc
        .tuple(number, fc.uint8Array({ minLength: 1, maxLength: 90 }))
        .map(([segment, body]) => encodePiece(segment, 3, body)),
      fc.tuple(number, piece).map(([segment, index]) => encodeCancel(segment, index)),
      fc.tuple(number, piece).map(([segment, index]) => encodeRequest(segment, index, 900, true)),
      fc
        .tuple(number, fc.integer({ min: 1, max: 64 }))
        .map(([segment, count]) =>
          encodeHave(segment, 7, count, new PieceFlags(count).toBits(), 0x201),
        ),
      fc
        .tuple(number, fc.integer({ min: 1, max: 64 }))
        .map(([segment, count]) => encodeList(segment, new Uint8Array(count * pieceDigestBytes))),
      fc.boolean().map((canUpload) => encodeHello(canUpload, 1)),
      fc.constant(0).map(() => encodeBye()),
    );
    const several = fc.array(joinable, { minLength: 1, maxLength: maxJoinedMessages });
    fc.assert(
      fc.property(several, (parts) => {
        const joined = new Uint8Array(parts.flatMap((part) => [...part]));
        expect(decodeMessages(joined)).toEqual({ main: parts.map(one), audio: [] });
        expect(decodeMessages(new Uint8Array([...joined, 0]))).toBeNull();
      }),
    );
    const tooMany = Array.from({ length: maxJoinedMessages + 1 }, () => encodeCancel(1, 1));
    expect(decodeMessages(new Uint8Array(tooMany.flatMap((part) => [...part])))).toBeNull();
  });

  it('are refused when the last of several is cut off', () => {
    const whole = [
      encodePiece(1, 2, new Uint8Array(40)),
      encodeCancel(1, 1),
      encodeRequest(1, 1, 900, true),
      encodeHave(1, 7, 9, new Uint8Array(2), 0),
      encodeList(1, new Uint8Array(pieceDigestBytes)),
    ];
    for (const last of whole) {
      const joined = new Uint8Array([...encodeCancel(1, 1), ...last.subarray(0, -1)]);
      expect(decodeMessages(joined)).toBeNull();
    }
  });

  it('are about the pictures or about the sound, also in one', () => {
    const joined = new Uint8Array([
      ...encodeCancel(7, 1),
      ...aboutSound(encodeCancel(8, 2)),
      ...aboutSound(encodePiece(8, 3, new Uint8Array([4]))),
    ]);
    expect(decodeMessages(joined)).toEqual({
      main: [{ kind: 'cancel', segment: 7, piece: 1 }],
      audio: [
        { kind: 'cancel', segment: 8, piece: 2 },
        { kind: 'piece', segment: 8, piece: 3, bytes: new Uint8Array([4]) },
      ],
    });
  });

  it('are refused when the flags do not fit the number of pieces', () => {
    expect(one(encodeHave(1, 2, 9, new Uint8Array(1), 0))).toBeNull();
    expect(one(encodeHave(1, 2, 65, new Uint8Array(9), 0))).toBeNull();
  });
});
