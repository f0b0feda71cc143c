// What a page sees of delivery: `hls.shoal` with its statistics and its events. `shoal-session.ts`
// implements it, the element and pages use it.

import type { DeliverySource } from './delivery/delivery-events.ts';
import type { GuardDecision } from './guard/quality-guard.ts';
import type { PeerStatus } from './peer-status.ts';
import type { PlayerStats } from './stats.ts';

/** What listeners are given, by event. */
export interface ShoalEvents {
  /** About once per second while somebody listens. */
  readonly 'shoal-stats': PlayerStats;
  /** The neighbours in the swarm of the current rendition have become more or fewer. */
  readonly 'shoal-peers': { readonly peerCount: number };
  /** Media was given to the player: a segment or an init section. */
  /** The quality guard lets peers do more or less than before. */
  readonly 'shoal-guard': GuardDecision;
  readonly 'shoal-delivered': { readonly source: DeliverySource; readonly sizeBytes: number };
}

export interface ShoalSession {
  /** A fresh snapshot of the counters since the source was loaded; allowed after `destroy()` too. */
  readonly stats: PlayerStats;
  /** Whether this viewer exchanges segments with others now. */
  readonly peersAllowed: boolean;
  /** Who keeps this viewer out of the swarm, what the quality guard thinks, what is uploaded. */
  readonly peerStatus: PeerStatus;
  /** The viewer's answer: joins the swarm or leaves it; without effect with `p2p: 'off'`. */
  allowPeers(allowed: boolean): void;
  /**
   * Calls `listener` at each `event` until the returned function is called or hls.js is destroyed.
   * What a listener throws is reported to the page (`error` event of `window`) and changes nothing
   * else.
   */
  on<Name extends keyof ShoalEvents>(
    event: Name,
    listener: (detail: ShoalEvents[Name]) => void,
  ): () => void;
}
