// The binary messages between viewers: what is sent is what is read, and nothing that a stranger
// sends can do more than be refused. player/delivery/pieces/piece-messages.ts.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
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
  const messages = decodeMessages(data);
  return messages?.length === 1 ? (messages[0] ?? null) : null;
}

describe('piece messages', () => {
  it('carry a greeting with version and willingness to upload', () => {
    expect(one(encodeHello(true))).toEqual({
      kind: 'hello',
      version: exchangeVersion,
      canUpload: true,
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
          const list = one(encodeList(segment, body));
          if (list?.kind !== 'list') throw new Error('no list');
          expect([...list.list]).toEqual([...body]);
        },
      ),
    );
  });

  it('are refused when they are anything else, without an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (data) => {
        const messages = decodeMessages(new Uint8Array(data));
        expect(messages === null || messages.length > 0).toBe(true);
      }),
    );
    for (const data of [[], [0], [99, 1, 2], [1, 0, 0, 0, 0, 1, 1], [3, 1, 2], [7, 7]]) {
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
    );
    const several = fc.array(joinable, { minLength: 1, maxLength: maxJoinedMessages });
    fc.assert(
      fc.property(several, (parts) => {
        const joined = new Uint8Array(parts.flatMap((part) => [...part]));
        expect(decodeMessages(joined)).toEqual(parts.map(one));
        expect(decodeMessages(new Uint8Array([...joined, 0]))).toBeNull();
        expect(decodeMessages(joined.subarray(0, -1))).toBeNull();
      }),
    );
    const tooMany = Array.from({ length: maxJoinedMessages + 1 }, () => encodeCancel(1, 1));
    expect(decodeMessages(new Uint8Array(tooMany.flatMap((part) => [...part])))).toBeNull();
  });

  it('are refused when the flags do not fit the number of pieces', () => {
    expect(one(encodeHave(1, 2, 9, new Uint8Array(1), 0))).toBeNull();
    expect(one(encodeHave(1, 2, 65, new Uint8Array(9), 0))).toBeNull();
  });
});
