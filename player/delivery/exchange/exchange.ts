// What delivery asks of whatever moves segments between viewers, and what it is told. One
// exchange serves one rendition, whose viewers form one swarm.

import type { MediaSegment, RenditionPlaylist } from '../media-segment.ts';

export interface ExchangeListener {
  /** A peer has begun to send the segment. */
  onReceiving(segment: MediaSegment): void;
  /** The whole segment came from peers and its digest matches. */
  onReceived(segment: MediaSegment, bytes: ArrayBuffer): void;
  /** Peers do not deliver the segment for now; the exchange goes on trying. */
  onReceiveFailed(segment: MediaSegment): void;
  /** Bytes that came from peers and are of no use: a wrong digest, an aborted transfer. */
  onDiscarded(sizeBytes: number): void;
  onUploaded(sizeBytes: number): void;
  onNeighboursChanged(): void;
  /** Whether this viewer is fetching the segment from the CDN, so that peers need not send it. */
  isBeingFetched(segment: MediaSegment): boolean;
}

export interface Exchange {
  /** Viewers connected now, by their peer ids. */
  readonly neighbourIds: ReadonlySet<string>;
  /** The segments that may be exchanged; called at each playlist update. */
  updatePlaylist(playlist: RenditionPlaylist): void;
  /** Asks peers for this segment and those after it as they become available; `null`: for none. */
  want(segment: MediaSegment | null): void;
  updatePlayhead(positionSeconds: number): void;
  /** The store has gained or lost segments: tell the neighbours. */
  announce(): void;
  close(): void;
}

export type OpenExchange = (playlist: RenditionPlaylist, listener: ExchangeListener) => Exchange;
