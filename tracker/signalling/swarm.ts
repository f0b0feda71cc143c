// Who is in one swarm, or in one part of a large one, in the form that bittorrent-tracker's server
// asks for. It replaces the library's own swarm, which keeps peers of dead sockets for 20 minutes and offers to them.

import { networkKeyOf } from './address-key.ts';
import { announceIntervalSeconds } from './announce-interval.ts';
import { PeerSelection, type SelectablePeer } from './peer-selection.ts';
import type { RingAnswer } from './ring.ts';
import { RingTiers } from './ring-tiers.ts';
import type { SwarmMembership, ViewerSocket } from './viewer-socket.ts';

/** What the library passes for one announce; ids are in hexadecimal. */
export interface AnnounceParams {
  readonly event: string;
  readonly peer_id: string;
  readonly left?: number;
  readonly numwant?: number;
  readonly socket?: ViewerSocket;
  /** What one of Shoal's players says of itself. */
  readonly shoal?: ViewerSituation | null;
}

/** A viewer's own word: what is not said has not changed. */
export interface ViewerSituation {
  /** Its line carries twice the stream. */
  readonly isStrong?: boolean | null;
  /** It accepts more neighbours than most, and has fewer than that. */
  readonly hasRoom?: boolean | null;
  /** Its neighbours give it too little. */
  readonly isInNeed?: boolean | null;
}

export interface SwarmPeer extends SwarmMembership, SelectablePeer {
  readonly socket: ViewerSocket;
  isComplete: boolean;
}

export interface AnnounceAnswer {
  readonly complete: number;
  readonly incomplete: number;
  readonly peers: readonly SwarmPeer[];
  /** For Shoal's players only. */
  readonly shoal?: RingAnswer;
}

export interface SwarmLimits {
  readonly maxSwarmsPerSocket: number;
  /** Peers introduced by one announce, however many it asks for. */
  readonly maxPeersPerAnnounce: number;
  /** The interval of viewers that have met enough peers. */
  readonly announceIntervalSeconds: number;
  /** Told before each answer how soon its receiver should announce again. */
  readonly onInterval: (seconds: number) => void;
}

export type Done<Value> = (error: Error | null, value?: Value) => void;

export interface SwarmEvents {
  readonly onJoin: (peerId: string) => void;
  /** `isMoving`: it joins again at once, from another socket or in another part. */
  readonly onLeave: (peerId: string, isMoving: boolean) => void;
  readonly onEmpty: () => void;
}

export class Swarm {
  readonly #peers = new Map<string, SwarmPeer>();
  readonly #selection = new PeerSelection<SwarmPeer>();
  readonly #ring = new RingTiers();
  readonly #limits: SwarmLimits;
  readonly #events: SwarmEvents;
  #completeCount = 0;

  constructor(limits: SwarmLimits, events: SwarmEvents) {
    this.#limits = limits;
    this.#events = events;
  }

  get size(): number {
    return this.#peers.size;
  }

  get completeCount(): number {
    return this.#completeCount;
  }

  /** Gives a viewer up to another part of the swarm. */
  move(peerId: string): void {
    const peer = this.#peers.get(peerId);
    if (peer) this.#remove(peer, true);
    if (this.#peers.size === 0) this.#events.onEmpty();
  }

  /** The library looks up who an answer goes to. */
  readonly peers = { get: (peerId: string): SwarmPeer | undefined => this.#peers.get(peerId) };

  /** Called by the library, without `done` when a socket has closed. */
  announce(params: AnnounceParams, done?: Done<AnnounceAnswer>): void {
    const problem = this.#apply(params);
    if (problem !== null) done?.(new Error(problem));
    else
      done?.(null, {
        complete: this.#completeCount,
        incomplete: this.#peers.size - this.#completeCount,
        peers: this.#introduce(params),
        ...this.#ringAnswer(params.peer_id),
      });
    // A swarm that was opened for a refused or a departing peer must not stay.
    if (this.#peers.size === 0) this.#events.onEmpty();
  }

  #ringAnswer(peerId: string): { shoal?: RingAnswer } {
    const shoal = this.#ring.answerFor(peerId);
    return shoal === null ? {} : { shoal };
  }

  #apply(params: AnnounceParams): string | null {
    const { socket, peer_id: peerId } = params;
    if (socket === undefined) return null;
    const known = this.#peers.get(peerId);
    if (known && known.socket !== socket) {
      // A viewer that reconnects keeps its peer id, and its old socket may look alive until the
      // next heartbeat. Another address may not take over: peer ids are known to the whole swarm.
      if (known.socket.addressKey !== socket.addressKey) return 'this peer_id is in use';
      this.#remove(known, true);
    }
    if (params.event === 'stopped') {
      if (known) this.#remove(known);
      return null;
    }
    const peer = this.#peers.get(peerId) ?? this.#join(peerId, socket);
    if (typeof peer === 'string') return peer;
    this.#note(peer, params.shoal);
    const isComplete = params.event === 'completed' || params.left === 0;
    if (isComplete && !peer.isComplete) {
      peer.isComplete = true;
      this.#completeCount += 1;
    }
    return null;
  }

  #note(peer: SwarmPeer, situation: ViewerSituation | null | undefined): void {
    if (typeof situation?.isStrong === 'boolean')
      this.#ring.setStrong(peer.peerId, situation.isStrong);
    if (typeof situation?.hasRoom === 'boolean') this.#selection.setRoom(peer, situation.hasRoom);
  }

  #join(peerId: string, socket: ViewerSocket): SwarmPeer | string {
    // The socket may have closed while the library looked the swarm up.
    if (socket.destroyed) return 'the socket is closed';
    if (socket.memberships.size >= this.#limits.maxSwarmsPerSocket) {
      return 'too many swarms on one socket';
    }
    const peer: SwarmPeer = {
      peerId,
      addressKey: socket.addressKey,
      networkKey: networkKeyOf(socket.addressKey),
      regionKeys: socket.regionKeys,
      socket,
      isComplete: false,
      leave: () => {
        this.#remove(peer);
        if (this.#peers.size === 0) this.#events.onEmpty();
      },
    };
    this.#peers.set(peerId, peer);
    this.#events.onJoin(peerId);
    this.#selection.add(peer);
    this.#ring.join(peerId);
    socket.memberships.add(peer);
    return peer;
  }

  /** Does not report an empty swarm: within an announce, another peer may be about to join. */
  #remove(peer: SwarmPeer, isMoving = false): void {
    if (this.#peers.get(peer.peerId) !== peer) return;
    this.#peers.delete(peer.peerId);
    this.#events.onLeave(peer.peerId, isMoving);
    this.#selection.delete(peer);
    this.#ring.leave(peer.peerId);
    peer.socket.memberships.delete(peer);
    if (peer.isComplete) this.#completeCount -= 1;
  }

  /** Peers for the asker, one for each of its offers; a viewer that left gets none. */
  #introduce({ peer_id: peerId, numwant = 0, shoal }: AnnounceParams): SwarmPeer[] {
    const asker = this.#peers.get(peerId);
    if (asker === undefined) return [];
    const count = Math.min(numwant, this.#limits.maxPeersPerAnnounce);
    const isInNeed = shoal?.isInNeed === true;
    const peers = count > 0 ? this.#selection.introduce(asker, count, Date.now(), isInNeed) : [];
    const situation = {
      swarmSize: this.#peers.size,
      metCount: this.#selection.metCount(asker),
      slowSeconds: this.#limits.announceIntervalSeconds,
    };
    this.#limits.onInterval(announceIntervalSeconds(situation, Math.random));
    return peers;
  }
}
