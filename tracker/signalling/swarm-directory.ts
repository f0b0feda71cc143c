// All swarms by info hash; one exists exactly as long as it has a peer. bittorrent-tracker's
// server asks here for every announce, answer and scrape.

import { Swarm, type SwarmLimits } from './swarm.ts';

export class SwarmDirectory {
  readonly #swarms = new Map<string, Swarm>();
  readonly #limits: SwarmLimits;

  constructor(limits: SwarmLimits) {
    this.#limits = limits;
  }

  get swarmCount(): number {
    return this.#swarms.size;
  }

  find(infoHash: string): Swarm | undefined {
    return this.#swarms.get(infoHash);
  }

  /** The swarm, new if need be; a new one is forgotten again unless somebody joins it. */
  open(infoHash: string): Swarm {
    const known = this.#swarms.get(infoHash);
    if (known) return known;
    const swarm: Swarm = new Swarm(this.#limits, () => this.#forget(infoHash, swarm));
    this.#swarms.set(infoHash, swarm);
    return swarm;
  }

  #forget(infoHash: string, swarm: Swarm): void {
    if (this.#swarms.get(infoHash) === swarm) this.#swarms.delete(infoHash);
  }
}
