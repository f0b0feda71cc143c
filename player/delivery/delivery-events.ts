// What delivery reports to whoever counts: bytes by source as they reach the player, and what was
// moved without being played. The delivery meter listens in the browser and in headless viewers.

/** Who brought a segment to this viewer. */
export type DeliverySource = 'cdn' | 'peer';

export interface DeliveryEvents {
  /** Media was given to the player, once per segment or init section. */
  onDelivered(source: DeliverySource, sizeBytes: number): void;
  /** Media arrived and will not be played. */
  onDiscarded(sizeBytes: number): void;
  onUploaded(sizeBytes: number): void;
  /** Media went to or came from one neighbour, whatever becomes of it. */
  onExchanged?(peerId: string, receivedBytes: number, sentBytes: number): void;
  /** Media arrived by way of a TURN server, whatever becomes of it. */
  onRelayed?(sizeBytes: number): void;
  /** The CDN refused, broke off or was far too slow: not the fault of peers. */
  onCdnTrouble?(): void;
  /** The neighbours of the rendition being played have changed. */
  onPeerCount(peerCount: number): void;
}

/** A segment for the player. The bytes are the receiver's own: hls.js transfers them to a worker. */
export interface DeliveredSegment {
  readonly bytes: ArrayBuffer;
  readonly source: DeliverySource;
  /** Times of the transfer from the CDN; `null` when a peer or the store delivered. */
  readonly transfer: {
    readonly startedAtMs: number;
    readonly firstByteAtMs: number;
    readonly finishedAtMs: number;
  } | null;
}
