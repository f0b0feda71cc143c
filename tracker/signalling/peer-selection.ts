// Whom a viewer is introduced to: neighbours in the network first, a share of strangers so that
// the swarm stays one, and never the same pair twice within seconds. Each swarm has one.

import { PeerBag } from './peer-bag.ts';

/** What the selection knows about a peer. */
export interface SelectablePeer {
  readonly peerId: string;
  /** Public IPv4 address, or the /64 of an IPv6 address. */
  readonly addressKey: string;
  /** The network around it, see `networkKeyOf`. */
  readonly networkKey: string;
  /** Wider neighbourhoods, the nearer ones first: its network operator, its country. */
  readonly regionKeys?: readonly string[];
}

/** Share of strangers among the peers handed out: without it, networks would become islands. */
const mixingShare = 0.4;

/** Share of those with room among the peers for a viewer that gets too little from its own. */
export const roomyShare = 0.8;

/** A pair that was introduced is not introduced again for so long: it is still connecting. */
export const pairPauseMs = 15_000;

export class PeerSelection<Peer extends SelectablePeer> {
  readonly #all = new PeerBag<Peer>();
  /** By address, network and region keys, which differ in form. */
  readonly #neighbourhoods = new Map<string, PeerBag<Peer>>();
  /** Those whose lines carry more neighbours than they have. */
  readonly #roomy = new PeerBag<Peer>();
  /** When a peer was last introduced to whom, oldest first. */
  readonly #introductions = new Map<Peer, Map<Peer, number>>();
  readonly #metCounts = new Map<Peer, number>();
  readonly #random: () => number;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  add(peer: Peer): void {
    this.#all.add(peer);
    for (const key of neighbourhoodsOf(peer)) bagOf(this.#neighbourhoods, key).add(peer);
  }

  delete(peer: Peer): void {
    this.#all.delete(peer);
    this.#roomy.delete(peer);
    for (const key of neighbourhoodsOf(peer)) takeFrom(this.#neighbourhoods, key, peer);
    for (const other of this.#introductions.get(peer)?.keys() ?? []) {
      this.#introductions.get(other)?.delete(peer);
    }
    this.#introductions.delete(peer);
    this.#metCounts.delete(peer);
  }

  /** Whether a peer that was added can take more neighbours than most. */
  setRoom(peer: Peer, hasRoom: boolean): void {
    if (hasRoom) this.#roomy.add(peer);
    else this.#roomy.delete(peer);
  }

  /** How often this peer was introduced to another since it joined. */
  metCount(peer: Peer): number {
    return this.#metCounts.get(peer) ?? 0;
  }

  /**
   * Up to `count` peers for `asker`, who counts as introduced to them from now on.
   * @param isInNeed its neighbours give it too little: those with room come first
   */
  introduce(asker: Peer, count: number, nowMs: number, isInNeed = false): Peer[] {
    this.#forgetOld(asker, nowMs);
    const known = this.#introductions.get(asker);
    const chosen = new Set<Peer>();
    const isEligible = (peer: Peer): boolean => {
      if (peer === asker || chosen.has(peer)) return false;
      const atMs = known?.get(peer);
      return atMs === undefined || nowMs - atMs >= pairPauseMs;
    };
    const strangers = Math.ceil(count * mixingShare);
    const take = (bag: PeerBag<Peer> | undefined, upTo: number): void => {
      for (const peer of bag?.draw(upTo - chosen.size, isEligible, this.#random) ?? []) {
        chosen.add(peer);
      }
    };
    if (isInNeed) take(this.#roomy, Math.floor(count * roomyShare));
    const near = neighbourhoodsOf(asker).map((key) => this.#neighbourhoods.get(key));
    for (const bag of near) take(bag, count - strangers);
    take(this.#all, count);
    // A swarm may be of one network only, or all strangers known.
    for (const bag of near) take(bag, count);
    for (const peer of chosen) {
      this.#note(asker, peer, nowMs);
      this.#note(peer, asker, nowMs);
    }
    return [...chosen];
  }

  #note(peer: Peer, other: Peer, nowMs: number): void {
    const known = this.#introductions.get(peer) ?? new Map<Peer, number>();
    // Deleted first, so that the order of the map stays that of time.
    known.delete(other);
    known.set(other, nowMs);
    this.#introductions.set(peer, known);
    this.#metCounts.set(peer, this.metCount(peer) + 1);
  }

  #forgetOld(peer: Peer, nowMs: number): void {
    const known = this.#introductions.get(peer);
    if (known === undefined) return;
    for (const [other, atMs] of known) {
      if (nowMs - atMs < pairPauseMs) return;
      known.delete(other);
    }
  }
}

/** The nearest first. */
function neighbourhoodsOf({ addressKey, networkKey, regionKeys = [] }: SelectablePeer): string[] {
  return [addressKey, networkKey, ...regionKeys];
}

function bagOf<Peer>(bags: Map<string, PeerBag<Peer>>, key: string): PeerBag<Peer> {
  const bag = bags.get(key) ?? new PeerBag<Peer>();
  bags.set(key, bag);
  return bag;
}

function takeFrom<Peer>(bags: Map<string, PeerBag<Peer>>, key: string, peer: Peer): void {
  const bag = bags.get(key);
  bag?.delete(peer);
  if (bag?.size === 0) bags.delete(key);
}
