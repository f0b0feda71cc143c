// What comes from other viewers: greetings, announcements, requests, and pieces, which are checked
// before anything else is done with them. Between piece-links and the scheduler.

import type { DeliveryEvents } from '../delivery-events.ts';
import type { SwarmScheduler } from '../scheduler/swarm-scheduler.ts';
import { PieceDigests } from './piece-digests.ts';
import type { PieceLinks } from './piece-links.ts';
import {
  decodeMessages,
  encodeBye,
  encodeList,
  exchangeVersion,
  type PieceMessage,
} from './piece-messages.ts';
import type { PieceSegment } from './piece-segment.ts';

export interface PieceInboxOptions {
  readonly scheduler: SwarmScheduler;
  readonly segments: ReadonlyMap<number, PieceSegment>;
  readonly links: () => PieceLinks | null;
  readonly nowMs: () => number;
  readonly events: DeliveryEvents;
  /** The scheduler has news. */
  readonly onChanged: () => void;
  /** A checked piece is in its place. */
  readonly onPiece: (segment: PieceSegment) => void;
}

type PieceFrom = Extract<PieceMessage, { kind: 'piece' }>;

/** Viewers who send nonsense or another version are not talked to for this long. */
const refusalMs = 600_000;

export class PieceInbox {
  readonly #options: PieceInboxOptions;
  /** Viewers who have greeted in our version. */
  readonly #neighbours = new Set<string>();

  constructor(options: PieceInboxOptions) {
    this.#options = options;
  }

  get neighbourCount(): number {
    return this.#neighbours.size;
  }

  /** Takes one message; never throws. */
  receive(id: string, data: Uint8Array<ArrayBuffer>): void {
    const messages = decodeMessages(data);
    if (messages === null) this.#refuse(id);
    for (const message of messages ?? []) {
      if (message.kind === 'hello') this.#greet(id, message);
      else if (this.#neighbours.has(id)) this.#handle(id, message);
    }
    this.#options.onChanged();
  }

  linkClosed(id: string): void {
    if (!this.#neighbours.delete(id)) return;
    this.#options.scheduler.neighbourLeft(id);
    this.#options.events.onPeerCount(this.neighbourCount);
    this.#options.onChanged();
  }

  /** Says something to everybody. */
  broadcast(message: Uint8Array): void {
    const links = this.#options.links();
    for (const id of this.#neighbours) links?.send(id, message);
  }

  allLinksClosed(): void {
    for (const id of [...this.#neighbours]) this.linkClosed(id);
  }

  /** Says goodbye to who speaks otherwise, and does not meet it again for a while. */
  #refuse(id: string): void {
    const links = this.#options.links();
    links?.send(id, encodeBye());
    links?.drop(id, refusalMs);
  }

  /** A second greeting tells that the neighbour has ceased to upload, or uploads again. */
  #greet(id: string, { version, canUpload }: Extract<PieceMessage, { kind: 'hello' }>): void {
    const { scheduler, events, nowMs } = this.#options;
    if (version !== exchangeVersion) {
      this.#refuse(id);
      return;
    }
    if (!this.#neighbours.has(id)) {
      this.#neighbours.add(id);
      scheduler.neighbourJoined(id, nowMs());
      events.onPeerCount(this.neighbourCount);
    }
    scheduler.neighbourCanUpload(id, canUpload);
  }

  #handle(id: string, message: Exclude<PieceMessage, { kind: 'hello' }>): void {
    const { scheduler, segments, links, nowMs } = this.#options;
    switch (message.kind) {
      case 'have': {
        const segment = segments.get(message.segment);
        if (segment && segment.tag !== message.tag) return;
        scheduler.have(
          id,
          message.segment,
          message.bits,
          message.pieceCount,
          message.claims,
          nowMs(),
        );
        return;
      }
      case 'request': {
        if (message.wantsList) this.#sendList(id, message.segment);
        const { segment, piece, deadlineInMs } = message;
        if (!scheduler.requested(id, segment, piece, deadlineInMs, nowMs())) this.#refuse(id);
        return;
      }
      case 'cancel':
        scheduler.cancelled(id, message.segment, message.piece);
        return;
      case 'piece':
        void this.#takePiece(id, message);
        return;
      case 'list':
        void this.#takeList(message.segment, message.list);
        return;
      case 'bye':
        links()?.drop(id, 0);
    }
  }

  #sendList(id: string, number: number): void {
    const list = this.#options.segments.get(number)?.digests?.list;
    if (list) this.#options.links()?.send(id, encodeList(number, list));
  }

  async #takeList(number: number, list: Uint8Array<ArrayBuffer>): Promise<void> {
    const segment = this.#options.segments.get(number);
    if (!segment || segment.digests) return;
    const digests = await PieceDigests.verify(list, segment.root);
    if (!digests || segment.digests) return;
    segment.digests = digests;
    for (const { from, piece, bytes } of segment.takeUnchecked()) {
      void this.#takePiece(from, { kind: 'piece', segment: number, piece, bytes });
    }
  }

  async #takePiece(id: string, { segment: number, piece, bytes }: PieceFrom): Promise<void> {
    const { scheduler, segments, events, nowMs } = this.#options;
    const segment = segments.get(number);
    if (!segment || piece >= segment.pieceCount || segment.has(piece)) {
      scheduler.pieceReceived(id, number, piece, nowMs());
      events.onDiscarded(bytes.length);
      return;
    }
    if (!segment.digests) {
      if (!segment.keepUnchecked({ piece, from: id, bytes })) events.onDiscarded(bytes.length);
      return;
    }
    const isRight =
      bytes.length === segment.sizeOf(piece) && (await segment.digests.matches(piece, bytes));
    if (!isRight) {
      events.onDiscarded(bytes.length);
      scheduler.lied(id, nowMs());
    } else if (segment.fill(piece, bytes, 'peer')) {
      scheduler.pieceReceived(id, number, piece, nowMs());
      events.onExchanged?.(id, bytes.length, 0);
      this.#options.onPiece(segment);
    } else events.onDiscarded(bytes.length);
    this.#options.onChanged();
  }
}
