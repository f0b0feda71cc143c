// A swarm of any size in the form that bittorrent-tracker's server asks for: one swarm while it is
// small, else parts by network that each have a ring of their own. Between the directory and swarms.

import { networkKeyOf } from './address-key.ts';
import {
  type AnnounceAnswer,
  type AnnounceParams,
  type Done,
  Swarm,
  type SwarmLimits,
  type SwarmPeer,
} from './swarm.ts';
import { SwarmParts } from './swarm-parts.ts';

export interface SplitLimits extends SwarmLimits {
  /** All parts together. */
  readonly maxPeersPerSwarm: number;
  /** More viewers than this are split by network; those of one network stay together. */
  readonly maxPeersPerPart: number;
}

/** A network that is here already may bring more viewers to a full swarm, up to this factor. */
const neighbourFactor = 1.1;

export class SplitSwarm {
  readonly #limits: SplitLimits;
  readonly #onEmpty: () => void;
  readonly #assignment: SwarmParts;
  readonly #parts = new Map<number, Swarm>();
  /** Where each viewer is; where it belongs may have changed since. */
  readonly #partOf = new Map<string, Swarm>();

  constructor(limits: SplitLimits, onEmpty: () => void) {
    this.#limits = limits;
    this.#onEmpty = onEmpty;
    this.#assignment = new SwarmParts(limits.maxPeersPerPart);
  }

  get size(): number {
    return this.#partOf.size;
  }

  get partCount(): number {
    return this.#parts.size;
  }

  /** The library looks up who an answer goes to. */
  readonly peers = {
    get: (peerId: string): SwarmPeer | undefined => this.#partOf.get(peerId)?.peers.get(peerId),
  };

  /** Whether a viewer from there fits; a network that is here may come with a few more. */
  hasRoomFor(addressKey: string): boolean {
    const { maxPeersPerSwarm } = this.#limits;
    const isNeighbour = this.#assignment.hasNetwork(networkKeyOf(addressKey));
    return this.size < Math.floor(maxPeersPerSwarm * (isNeighbour ? neighbourFactor : 1));
  }

  /** Called by the library, without `done` when a socket has closed. */
  announce(params: AnnounceParams, done?: Done<AnnounceAnswer>): void {
    const part = this.#partFor(params);
    if (typeof part === 'string') done?.(new Error(part));
    else part.announce(params, done);
    // It may have been refused after it was given a part.
    if (!this.#partOf.has(params.peer_id)) this.#assignment.leave(params.peer_id);
    // A swarm that was opened for a refused or a departing peer must not stay.
    if (this.size === 0) this.#onEmpty();
  }

  scrape(_params: unknown, done: Done<{ complete: number; incomplete: number }>): void {
    let complete = 0;
    for (const part of this.#parts.values()) complete += part.completeCount;
    done(null, { complete, incomplete: this.size - complete });
  }

  #partFor({ peer_id: peerId, socket, event }: AnnounceParams): Swarm | string {
    const current = this.#partOf.get(peerId);
    // Somebody else's socket, or a goodbye: the part where the viewer is decides.
    const mayMove =
      current === undefined || current.peers.get(peerId)?.socket.addressKey === socket?.addressKey;
    if (socket === undefined || event === 'stopped' || !mayMove) return current ?? 'not here';
    if (current === undefined && !this.hasRoomFor(socket.addressKey)) return 'the swarm is full';
    const number = this.#assignment.partOf(peerId, networkKeyOf(socket.addressKey));
    const part = this.#parts.get(number) ?? this.#openPart(number);
    if (current !== undefined && current !== part) {
      // Its links stay, its place on the ring is another one from the next answer on.
      current.move(peerId);
    }
    return part;
  }

  #openPart(number: number): Swarm {
    const part: Swarm = new Swarm(this.#limits, {
      onJoin: (peerId) => this.#partOf.set(peerId, part),
      onLeave: (peerId, isMoving) => {
        if (this.#partOf.get(peerId) === part) this.#partOf.delete(peerId);
        if (!isMoving) this.#assignment.leave(peerId);
      },
      onEmpty: () => {
        if (this.#parts.get(number) === part && part.size === 0) this.#parts.delete(number);
        if (this.size === 0) this.#onEmpty();
      },
    });
    this.#parts.set(number, part);
    return part;
  }
}
