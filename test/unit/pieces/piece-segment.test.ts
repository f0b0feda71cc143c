// A segment put together from pieces that come in any order. player/delivery/pieces/piece-segment.ts.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PieceSegment } from '../../../player/delivery/pieces/piece-segment.ts';

const whole = Uint8Array.from({ length: 70_000 }, (_, index) => (index * 31 + (index >> 8)) & 0xff);
const media = {
  url: 'http://origin.invalid/7.m4s',
  mediaSequenceNumber: 7,
  startSeconds: 60,
  durationSeconds: 2,
  digest: null,
  pieces: { sizeBytes: whole.length, root: 'a'.repeat(22) },
};

function emptySegment(): PieceSegment {
  return new PieceSegment(media, media.pieces, true);
}

function bodyOf(segment: PieceSegment, piece: number): Uint8Array {
  const offset = piece * segment.pieceSizeBytes;
  return whole.subarray(offset, offset + segment.sizeOf(piece));
}

it('reads what is there without a gap, from anywhere, in whatever order it came', () => {
  const { pieceCount, pieceSizeBytes } = emptySegment();
  const pieces = Array.from({ length: pieceCount }, (_, piece) => piece);
  const order = fc.shuffledSubarray(pieces, { minLength: 0, maxLength: pieceCount });
  fc.assert(
    fc.property(order, fc.integer({ min: 0, max: whole.length }), (came, fromBytes) => {
      const segment = emptySegment();
      for (const piece of came)
        expect(segment.fill(piece, bodyOf(segment, piece), 'peer')).toBe(true);
      const gap = pieces.find((piece) => !came.includes(piece)) ?? pieceCount;
      const startBytes = Math.min(whole.length, gap * pieceSizeBytes);
      expect([segment.startBytes, segment.isComplete]).toEqual([startBytes, gap === pieceCount]);
      const expected = whole.subarray(Math.min(fromBytes, startBytes), startBytes);
      expect(Buffer.from(segment.read(fromBytes)).equals(expected)).toBe(true);
    }),
  );
});

it('keeps a piece once, counts it for who brought it, and gives it to others', () => {
  const segment = emptySegment();
  expect(segment.pieceBytes(1)).toBeNull();
  segment.fill(1, bodyOf(segment, 1), 'cdn');
  expect(segment.fill(1, new Uint8Array(segment.sizeOf(1)), 'peer')).toBe(false);
  segment.fill(4, bodyOf(segment, 4), 'peer');
  expect([segment.cdnBytes, segment.peerBytes]).toEqual([16_384, 70_000 - 4 * 16_384]);
  expect(segment.pieceBytes(1)).toEqual(bodyOf(segment, 1));
});
