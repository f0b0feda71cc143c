// Pieces of a segment, small enough to be relayed before the segment is complete. The playlist
// carries the root of a segment's piece digests, the origin's response and the peers the list.

/** SHA-256 of a piece, cut to its first bytes; finding another piece for it takes 2^128 tries. */
export const pieceDigestBytes = 16;
/** Response header with the piece digests of a segment, one after the other, in base64. */
export const pieceListHeader = 'shoal-pieces';

const leastPieceBytes = 16 * 1024;
const maxPieces = 64;

/** What the playlist says of a segment's pieces, as attributes of its digest tag. */
export interface PieceRoot {
  readonly sizeBytes: number;
  /** First 16 bytes of the SHA-256 of the piece list, base64url without padding: 22 characters. */
  readonly root: string;
}

/** Size of every piece but the last: 16 KiB, doubled until a segment has at most 64 of them. */
export function pieceSizeBytes(segmentSizeBytes: number): number {
  let sizeBytes = leastPieceBytes;
  while (segmentSizeBytes > sizeBytes * maxPieces) sizeBytes *= 2;
  return sizeBytes;
}

export function pieceCount(segmentSizeBytes: number): number {
  return Math.ceil(segmentSizeBytes / pieceSizeBytes(segmentSizeBytes));
}

/** `SIZE=bytes,PIECES=root`, to be put behind a segment's digest in its tag. */
export function formatPieceAttributes({ sizeBytes, root }: PieceRoot): string {
  return `SIZE=${sizeBytes},PIECES=${root}`;
}

const sizeAttribute = /(?:^|,)SIZE=([1-9]\d{0,9})(?:,|$)/;
const rootAttribute = /(?:^|,)PIECES=([A-Za-z0-9_-]{22})(?:,|$)/;

/** The piece root in a digest tag's attribute list, `null` without a valid one. */
export function parsePieceAttributes(attributes: string): PieceRoot | null {
  const size = sizeAttribute.exec(attributes)?.[1];
  const root = rootAttribute.exec(attributes)?.[1];
  return size === undefined || root === undefined ? null : { sizeBytes: Number(size), root };
}
