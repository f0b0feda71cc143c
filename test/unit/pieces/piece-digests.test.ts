// The chain from playlist to piece: root, list, digest; made by the origin, checked by the player,
// each with its own code. protocol/piece-list.ts, origin/piece-digests.ts, pieces/piece-digests.ts.

import {
  formatPieceAttributes,
  formatSegmentDigestTag,
  parseDigestAttributes,
  parsePieceAttributes,
  pieceCount,
  pieceSizeBytes,
} from '@shoal/ingest/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PieceLists, pieceListOf, pieceRootOf } from '../../../ingest/origin/piece-digests.ts';
import { PieceDigests, parsePieceList } from '../../../player/delivery/pieces/piece-digests.ts';

const segment = new Uint8Array(100_000).map((_, index) => Math.imul(index, 2_654_435_761) >>> 23);
const list = pieceListOf(segment);
const root = pieceRootOf(segment.length, list);
const pieceOf = (index: number): Uint8Array<ArrayBuffer> =>
  segment.slice(
    index * pieceSizeBytes(segment.length),
    (index + 1) * pieceSizeBytes(segment.length),
  );

async function verified(): Promise<PieceDigests> {
  const parsed = parsePieceList(new PieceLists().headerOf({ bytes: segment, digest: 'any' }));
  const digests = parsed && (await PieceDigests.verify(parsed, root));
  if (!digests) throw new Error('the list does not match its root');
  return digests;
}

describe('pieces', () => {
  it('are at most 64 a segment and at least 16 KiB but for the last', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50_000_000 }), (sizeBytes) => {
        expect(pieceCount(sizeBytes)).toBeLessThanOrEqual(64);
        expect(pieceSizeBytes(sizeBytes)).toBeGreaterThanOrEqual(16_384);
        expect(pieceCount(sizeBytes) * pieceSizeBytes(sizeBytes)).toBeGreaterThanOrEqual(sizeBytes);
        expect((pieceCount(sizeBytes) - 1) * pieceSizeBytes(sizeBytes)).toBeLessThan(sizeBytes);
      }),
    );
  });

  it('are announced in the digest tag beside the segment’s digest', () => {
    const tag = formatSegmentDigestTag('a'.repeat(64), formatPieceAttributes(root));
    const attributes = tag.slice(tag.indexOf(':') + 1);
    expect(parseDigestAttributes(attributes)).toBe('a'.repeat(64));
    expect(parsePieceAttributes(attributes)).toEqual(root);
    expect(parsePieceAttributes(`SHA256=${'a'.repeat(64)}`)).toBeNull();
  });

  it('match their digests, each only its own', async () => {
    const digests = await verified();
    for (let index = 0; index < pieceCount(segment.length); index += 1) {
      expect(await digests.matches(index, pieceOf(index))).toBe(true);
      expect(await digests.matches(index + 1, pieceOf(index))).toBe(false);
    }
  });

  it('do not match with a single bit changed', async () => {
    const digests = await verified();
    const piece = pieceOf(2);
    piece[5_000] = (piece[5_000] ?? 0) ^ 1;
    expect(await digests.matches(2, piece)).toBe(false);
  });

  it('are not believed by a list of another root or length', async () => {
    const changed = Uint8Array.from(list);
    changed[3] = (changed[3] ?? 0) ^ 1;
    expect(await PieceDigests.verify(changed, root)).toBeNull();
    expect(await PieceDigests.verify(Uint8Array.from(list.subarray(16)), root)).toBeNull();
    expect(parsePieceList('not base64 !')).toBeNull();
  });

  it('cost less than 0.3 % of the stream in the playlist', () => {
    // Four roots in each reload, one reload a segment of 2 s at 1 Mbit/s.
    const perReloadBytes = 4 * (formatPieceAttributes(root).length + 1);
    expect(perReloadBytes / 250_000).toBeLessThan(0.003);
  });
});
