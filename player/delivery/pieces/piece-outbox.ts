// Sends pieces to neighbours one after the other, and tells when the line is free for the next. Beside
// piece-inbox; piece-delivery passes on what the scheduler has chosen.

import type { DeliveryEvents } from '../delivery-events.ts';
import { encodePieceHeader } from './piece-messages.ts';
import type { PieceSegment } from './piece-segment.ts';
import type { TrackLinks } from './track-links.ts';

export interface PieceOutboxOptions {
  readonly links: () => TrackLinks | null;
  readonly events: DeliveryEvents;
  /** What is served instead of a piece; tests make a viewer lie with it. */
  readonly serve: ((bytes: Uint8Array) => Uint8Array) | undefined;
  /** Something depends on when the piece has left. */
  readonly awaitsSent: () => boolean;
  /** The next piece may be handed over. */
  readonly onSent: () => void;
}

/** One piece with its header may wait while the next is handed over: else the line would idle. */
const maxBufferedBytes = 20 * 1024;
/** Looked at so soon, and then less and less often. */
const firstLookMs = 10;
const longestLookMs = 25;

export class PieceOutbox {
  readonly #options: PieceOutboxOptions;
  #isSending = false;
  #lookMs = firstLookMs;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #closed = false;

  constructor(options: PieceOutboxOptions) {
    this.#options = options;
  }

  /** @param segment of which this viewer may no longer have the piece, or anything */
  put(neighbour: string, segment: PieceSegment | undefined, piece: number): void {
    this.#isSending = true;
    this.#lookMs = firstLookMs;
    const bytes = segment?.pieceBytes(piece);
    if (!segment || !bytes) return;
    const { links, events, serve } = this.#options;
    const body = serve?.(bytes) ?? bytes;
    const header = encodePieceHeader(segment.number, piece, body.length);
    if (!links()?.send(neighbour, header, body)) return;
    events.onUploaded(bytes.length);
    events.onExchanged?.(neighbour, 0, bytes.length);
  }

  /**
   * Whether the piece has left. `bufferedamountlow` does not fire on a channel that never fills: while
   * more is to be sent this looks again by itself, else whoever has news calls it.
   */
  look(): void {
    if (!this.#isSending || this.#closed) return;
    const { links, awaitsSent, onSent } = this.#options;
    if ((links()?.bufferedBytes ?? 0) <= maxBufferedBytes) {
      this.#isSending = false;
      this.#stopLooking();
      onSent();
    } else if (this.#timer === null && awaitsSent()) {
      this.#timer = setTimeout(() => {
        this.#timer = null;
        this.look();
      }, this.#lookMs);
      this.#lookMs = Math.min(longestLookMs, 2 * this.#lookMs);
    }
  }

  close(): void {
    this.#closed = true;
    this.#stopLooking();
  }

  #stopLooking(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
