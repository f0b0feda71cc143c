// What comes from other viewers: greetings, announcements, requests, and pieces, which are checked
// before anything else is done with them. Between piece-links and the scheduler.

import type { DeliveryEvents } from '../delivery-events.ts';
import type { SwarmScheduler } from '../scheduler/swarm-scheduler.ts';
import { PieceDigests } from './piece-digests.ts';
import {
  encodeBye,
  encodeHello,
  encodeList,
  exchangeVersion,
  type PieceMessage,
} from './piece-messages.ts';
import type { PieceSegment } from './piece-segment.ts';
import { refusalMs, type TrackLinks } from './track-links.ts';

export interface PieceInboxOptions {
  readonly scheduler: SwarmScheduler;
  readonly segments: ReadonlyMap<number, PieceSegment>;
  readonly links: () => TrackLinks | null;
  readonly nowMs: () => number;
  readonly events: DeliveryEvents;
  /** See `contentOf`. */
  readonly content: number;
  /**
   * Who greets is greeted: of two viewers with a link, one may come to play the sound later. Of pictures
   * both say so when the link opens.
   */
  readonly greetsBack: boolean;
  readonly canUpload: () => boolean;
  /** The scheduler has news. */
  readonly onChanged: () => void;
  /** A checked piece is in its place. */
  readonly onPiece: (segment: PieceSegment) => void;
}

type PieceFrom = Extract<PieceMessage, { kind: 'piece' }>;

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

  /** Greets everybody, or who has just been linked; again when it ceases to upload or does so again. */
  greet(id: string | null = null): void {
    const links = this.#options.links();
    for (const each of id === null ? this.#neighbours : [id]) links?.send(each, this.#hello());
  }

  /** Takes what has come as one; never throws. */
  receive(id: string, messages: readonly PieceMessage[]): void {
    const checks: Promise<void>[] = [];
    for (const message of messages) {
      if (message.kind === 'hello') this.#greeted(id, message);
      else if (this.#neighbours.has(id)) this.#handle(id, message, checks);
    }
    if (checks.length === 0) this.#options.onChanged();
    else void Promise.all(checks).then(() => this.#options.onChanged());
  }

  linkClosed(id: string): void {
    if (!this.#neighbours.delete(id)) return;
    this.#options.scheduler.neighbourLeft(id);
    this.#options.events.onPeerCount(this.neighbourCount);
    this.#options.onChanged();
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

  #hello(): Uint8Array {
    return encodeHello(this.#options.canUpload(), this.#options.content);
  }

  /** A second greeting tells that the neighbour has ceased to upload, or uploads again. */
  #greeted(
    id: string,
    { version, canUpload, content }: Extract<PieceMessage, { kind: 'hello' }>,
  ): void {
    const { scheduler, events, nowMs, greetsBack } = this.#options;
    if (version !== exchangeVersion) {
      this.#refuse(id);
      return;
    }
    if (content !== this.#options.content) {
      this.linkClosed(id);
      return;
    }
    if (!this.#neighbours.has(id)) {
      this.#neighbours.add(id);
      if (greetsBack) this.greet(id);
      scheduler.neighbourJoined(id, nowMs());
      events.onPeerCount(this.neighbourCount);
    }
    scheduler.neighbourCanUpload(id, canUpload);
  }

  /** @param checks takes what is still to be awaited before the scheduler has all the news */
  #handle(
    id: string,
    message: Exclude<PieceMessage, { kind: 'hello' }>,
    checks: Promise<void>[],
  ): void {
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
        checks.push(this.#takePiece(id, message));
        return;
      case 'list':
        checks.push(this.#takeList(message.segment, message.list));
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
    const pieces = segment.takeUnchecked();
    await Promise.all(
      pieces.map(({ from, piece, bytes }) =>
        this.#takePiece(from, { kind: 'piece', segment: number, piece, bytes }),
      ),
    );
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
  }
}
