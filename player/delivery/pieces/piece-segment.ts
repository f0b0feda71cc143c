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
  /** As they came: they are put together for who plays them, each time. */
  readonly #pieces: (Uint8Array | null)[];
  #filledCount = 0;
  #startPieces = 0;

  constructor(segment: MediaSegment, root: PieceRoot, isFromBeforeJoining: boolean) {
    this.progress = new SegmentProgress(segment, isFromBeforeJoining);
    this.root = root;
    this.isFromBeforeJoining = isFromBeforeJoining;
    this.pieceSizeBytes = pieceSizeBytes(root.sizeBytes);
    this.pieceCount = pieceCount(root.sizeBytes);
    this.transferClock = new TransferClock(root.sizeBytes);
    this.#pieces = new Array<Uint8Array | null>(this.pieceCount).fill(null);
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

  /** So much is there from the first byte on without a gap. */
  get startBytes(): number {
    return Math.min(this.root.sizeBytes, this.#startPieces * this.pieceSizeBytes);
  }

  /** A copy of what is there without a gap from the first byte on, without what comes before `fromBytes`. */
  read(fromBytes = 0): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(Math.max(0, this.startBytes - fromBytes));
    const firstPiece = Math.floor(fromBytes / this.pieceSizeBytes);
    for (let piece = firstPiece; piece < this.#startPieces; piece += 1) {
      const body = this.#pieces[piece];
      const offset = piece * this.pieceSizeBytes - fromBytes;
      if (body) bytes.set(offset < 0 ? body.subarray(-offset) : body, Math.max(0, offset));
    }
    return bytes;
  }

  sizeOf(piece: number): number {
    return Math.min(this.pieceSizeBytes, this.root.sizeBytes - piece * this.pieceSizeBytes);
  }

  sizeOfRange(firstPiece: number, lastPiece: number): number {
    return (lastPiece - firstPiece) * this.pieceSizeBytes + this.sizeOf(lastPiece);
  }

  has(piece: number): boolean {
    return (this.#pieces[piece] ?? null) !== null;
  }

  /** `null` as long as it is not there. */
  pieceBytes(piece: number): Uint8Array | null {
    return this.#pieces[piece] ?? null;
  }

  /** Puts a checked piece in its place, which keeps `body`; `false` when it was there. */
  fill(piece: number, body: Uint8Array, source: 'cdn' | 'peer'): boolean {
    if (this.has(piece)) return false;
    this.#pieces[piece] = body;
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
