// One segment being put together from pieces: its bytes, what is known of its digests, and who in
// the player waits for it. Owned by piece-delivery.

import { type PieceRoot, pieceCount, pieceSizeBytes } from '@shoal/ingest/protocol';
import type { MediaSegment } from '../media-segment.ts';
import { SegmentProgress } from '../segment-progress.ts';
import type { PieceDigests } from './piece-digests.ts';
import { TransferClock } from './transfer-clock.ts';

/** A piece that came before the digests by which it can be checked. */
export interface UncheckedPiece {
  readonly piece: number;
  readonly from: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const maxUncheckedPieces = 32;

export class PieceSegment {
  readonly progress: SegmentProgress;
  readonly root: PieceRoot;
  readonly pieceSizeBytes: number;
  readonly pieceCount: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly isFromBeforeJoining: boolean;
  digests: PieceDigests | null = null;
  /** When a neighbour was last asked for their list. */
  listAskedAtMs = Number.NEGATIVE_INFINITY;
  /** Once complete: whether it matches its digest, where that is asked. */
  isWholeRight: Promise<boolean> | null = null;
  readonly transferClock: TransferClock;
  /** How often this viewer has broken off what the CDN was sending of it. */
  abortCount = 0;
  cdnBytes = 0;
  peerBytes = 0;
  readonly #unchecked: UncheckedPiece[] = [];
  readonly #filled: Uint8Array;
  #filledCount = 0;
  #startPieces = 0;

  constructor(segment: MediaSegment, root: PieceRoot, isFromBeforeJoining: boolean) {
    this.progress = new SegmentProgress(segment, isFromBeforeJoining);
    this.root = root;
    this.isFromBeforeJoining = isFromBeforeJoining;
    this.pieceSizeBytes = pieceSizeBytes(root.sizeBytes);
    this.pieceCount = pieceCount(root.sizeBytes);
    this.transferClock = new TransferClock(root.sizeBytes);
    this.bytes = new Uint8Array(root.sizeBytes);
    this.#filled = new Uint8Array(this.pieceCount);
  }

  get number(): number {
    return this.progress.segment.mediaSequenceNumber;
  }

  /** What have-messages carry so that equal numbers of different broadcasts are told apart. */
  get tag(): number {
    return (this.root.root.charCodeAt(0) << 8) | this.root.root.charCodeAt(1);
  }

  get isComplete(): boolean {
    return this.#filledCount === this.pieceCount;
  }

  /** What is there from the first byte on without a gap. */
  get start(): Uint8Array {
    return this.bytes.subarray(0, this.#startPieces * this.pieceSizeBytes);
  }

  sizeOf(piece: number): number {
    return Math.min(this.pieceSizeBytes, this.root.sizeBytes - piece * this.pieceSizeBytes);
  }

  sizeOfRange(firstPiece: number, lastPiece: number): number {
    return (lastPiece - firstPiece) * this.pieceSizeBytes + this.sizeOf(lastPiece);
  }

  has(piece: number): boolean {
    return this.#filled[piece] === 1;
  }

  pieceBytes(piece: number): Uint8Array {
    const offset = piece * this.pieceSizeBytes;
    return this.bytes.subarray(offset, offset + this.sizeOf(piece));
  }

  /** Puts a checked piece in its place; `false` when it was there. */
  fill(piece: number, body: Uint8Array, source: 'cdn' | 'peer'): boolean {
    if (this.has(piece)) return false;
    this.bytes.set(body, piece * this.pieceSizeBytes);
    this.#filled[piece] = 1;
    this.#filledCount += 1;
    while (this.has(this.#startPieces)) this.#startPieces += 1;
    if (source === 'cdn') this.cdnBytes += body.length;
    else this.peerBytes += body.length;
    return true;
  }

  /** Keeps a piece until the digests are there; `false` when too many wait already. */
  keepUnchecked(piece: UncheckedPiece): boolean {
    if (this.#unchecked.length >= maxUncheckedPieces) return false;
    this.#unchecked.push(piece);
    return true;
  }

  takeUnchecked(): UncheckedPiece[] {
    return this.#unchecked.splice(0);
  }
}
