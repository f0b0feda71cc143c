// All swarms by scope and info hash; one exists exactly as long as it has a peer. bittorrent-tracker's
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

  find(scope: string, infoHash: string): Swarm | undefined {
    return this.#swarms.get(`${scope}/${infoHash}`);
  }

  /** The swarm, new if need be; a new one is forgotten again unless somebody joins it. */
  open(scope: string, infoHash: string): Swarm {
    const key = `${scope}/${infoHash}`;
    const known = this.#swarms.get(key);
    if (known) return known;
    const swarm: Swarm = new Swarm(this.#limits, () => this.#forget(key, swarm));
    this.#swarms.set(key, swarm);
    return swarm;
  }

  #forget(key: string, swarm: Swarm): void {
    if (this.#swarms.get(key) === swarm) this.#swarms.delete(key);
  }
}
