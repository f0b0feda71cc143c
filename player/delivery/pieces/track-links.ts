// What one track of a playback sees of the links to other viewers: pictures and sound travel on the same.
// Between picture-links or sound-links and piece-delivery.

import type { RingPosition } from '../scheduler/scheduler-actions.ts';
import type { PieceMessage } from './piece-messages.ts';

/** Viewers who send nonsense or another version are not talked to for this long. */
export const refusalMs = 600_000;

export interface TrackLinks {
  /**
   * What is sent in one task of the page goes to each neighbour as one message, when the task ends.
   * `false` when the link is gone. The message is the callee's from then on.
   * @param body the rest of a message that is long, so that it is copied but once
   */
  send(id: string, message: Uint8Array, body?: Uint8Array): boolean;
  /** Bytes that wait to leave, on all links together: they share one uplink. */
  readonly bufferedBytes: number;
  /** Asks the tracker for more viewers than most need. */
  meet(): void;
  /** A viewer with a fast line accepts more than it dials: it can feed them. */
  acceptMore(isStrong: boolean): void;
  drop(id: string, banMs: number): void;
  /** No links in swarms of fewer viewers; at 0 and 1 there is no such gate. */
  setMinViewers(minViewers: number): void;
  /** The rendition, or the sound, is the one that is played, perhaps again. */
  comeForward(): void;
  close(): void;
}

export interface TrackListener {
  onLink(id: string): void;
  onLinkClosed(id: string): void;
  onMessages(id: string, messages: readonly PieceMessage[]): void;
  onSwarm(ring: RingPosition | null, viewerCount: number): void;
}
