// Sends pieces to neighbours one after the other, and tells when the line is free for the next. Beside
// piece-inbox; piece-delivery passes on what the scheduler has chosen.

import type { DeliveryEvents } from '../delivery-events.ts';
import type { PieceLinks } from './piece-links.ts';
import { encodePiece } from './piece-messages.ts';
import type { PieceSegment } from './piece-segment.ts';

export interface PieceOutboxOptions {
  readonly links: () => PieceLinks | null;
  readonly events: DeliveryEvents;
  /** What is served instead of a piece; tests make a viewer lie with it. */
  readonly serve: ((bytes: Uint8Array) => Uint8Array) | undefined;
  /** The next piece may be handed over. */
  readonly onSent: () => void;
}

/** One piece with its header may wait while the next is handed over: else the line would idle. */
const maxBufferedBytes = 20 * 1024;
const uploadPollMs = 4;

export class PieceOutbox {
  readonly #options: PieceOutboxOptions;
  #closed = false;

  constructor(options: PieceOutboxOptions) {
    this.#options = options;
  }

  /** @param segment of which this viewer may no longer have the piece, or anything */
  send(neighbour: string, segment: PieceSegment | undefined, piece: number): void {
    if (segment?.has(piece)) {
      const { links, events, serve } = this.#options;
      const bytes = segment.pieceBytes(piece);
      const served = serve?.(bytes) ?? bytes;
      if (links()?.send(neighbour, encodePiece(segment.number, piece, served))) {
        events.onUploaded(bytes.length);
        events.onExchanged?.(neighbour, 0, bytes.length);
      }
    }
    this.#waitUntilSent();
  }

  close(): void {
    this.#closed = true;
  }

  /** `bufferedamountlow` does not fire on a channel that never fills: look again and again. */
  #waitUntilSent(): void {
    if (this.#closed) return;
    if ((this.#options.links()?.bufferedBytes ?? 0) > maxBufferedBytes)
      setTimeout(() => this.#waitUntilSent(), uploadPollMs);
    else this.#options.onSent();
  }
}
