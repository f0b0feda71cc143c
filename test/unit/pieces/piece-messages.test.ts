// The binary messages between viewers: what is sent is what is read, and nothing that a stranger
// sends can do more than be refused. player/delivery/pieces/piece-messages.ts.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeMessage,
  encodeBye,
  encodeCancel,
  encodeHave,
  encodeHello,
  encodeList,
  encodePiece,
  encodeRequest,
  exchangeVersion,
} from '../../../player/delivery/pieces/piece-messages.ts';
import { PieceFlags } from '../../../player/delivery/scheduler/piece-flags.ts';

const number = fc.integer({ min: 0, max: 0xffff_ffff });
const piece = fc.integer({ min: 0, max: 63 });

describe('piece messages', () => {
  it('carry a greeting with version and willingness to upload', () => {
    expect(decodeMessage(encodeHello(true))).toEqual({
      kind: 'hello',
      version: exchangeVersion,
      canUpload: true,
    });
    expect(decodeMessage(encodeBye())).toEqual({ kind: 'bye' });
  });

  it('carry requests and cancellations', () => {
    fc.assert(
      fc.property(
        number,
        piece,
        fc.integer({ min: 0, max: 0xffff }),
        fc.boolean(),
        (segment, index, deadlineInMs, wantsList) => {
          expect(decodeMessage(encodeRequest(segment, index, deadlineInMs, wantsList))).toEqual({
            kind: 'request',
            segment,
            piece: index,
            deadlineInMs,
            wantsList,
          });
          expect(decodeMessage(encodeCancel(segment, index))).toEqual({
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
          const message = decodeMessage(
            encodeHave(segment, tag, has.length, pieces.toBits(), claims),
          );
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
          const message = decodeMessage(encodePiece(segment, index, body));
          if (message?.kind !== 'piece') throw new Error('no piece');
          expect([message.segment, message.piece, [...message.bytes]]).toEqual([
            segment,
            index,
            [...body],
          ]);
          const list = decodeMessage(encodeList(segment, body));
          if (list?.kind !== 'list') throw new Error('no list');
          expect([...list.list]).toEqual([...body]);
        },
      ),
    );
  });

  it('are refused when they are anything else, without an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (data) => {
        const message = decodeMessage(data);
        expect(message === null || typeof message.kind === 'string').toBe(true);
      }),
    );
    for (const data of [[], [0], [99, 1, 2], [1, 0, 0, 0, 0, 1, 1], [3, 1, 2], [7, 7]]) {
      expect(decodeMessage(new Uint8Array(data))).toBeNull();
    }
  });

  it('are refused when the flags do not fit the number of pieces', () => {
    expect(decodeMessage(encodeHave(1, 2, 9, new Uint8Array(1), 0))).toBeNull();
    expect(decodeMessage(encodeHave(1, 2, 65, new Uint8Array(9), 0))).toBeNull();
  });
});
