// What a segment fails with whose piece root may not be the truth: the CDN, or the whole that the pieces
// make, does not agree with it. piece-delivery throws it; hybrid-delivery asks the CDN for the whole.

/** Ranges of a segment that may in a row not match its pieces: a cache may be wrong for a moment. */
export const maxMismatches = 3;

export class ForgedPiecesError extends Error {
  /** The pieces are all there and make another segment; otherwise the CDN may be what is wrong. */
  readonly isCertain: boolean;

  constructor(url: string, isCertain: boolean) {
    super(`${url}: the pieces are not the segment's`);
    this.isCertain = isCertain;
  }
}
