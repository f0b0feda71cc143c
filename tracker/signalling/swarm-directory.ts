// All swarms by scope and info hash; one exists exactly as long as it has a peer. bittorrent-tracker's
// server asks here for every announce, answer and scrape.

import { type SplitLimits, SplitSwarm } from './split-swarm.ts';

export class SwarmDirectory {
  readonly #swarms = new Map<string, SplitSwarm>();
  readonly #swarmsByScope = new Map<string, number>();
  readonly #limits: SplitLimits;

  constructor(limits: SplitLimits) {
    this.#limits = limits;
  }

  get swarmCount(): number {
    return this.#swarms.size;
  }

  find(scope: string, infoHash: string): SplitSwarm | undefined {
    return this.#swarms.get(`${scope}/${infoHash}`);
  }

  /** Swarms of one scope. */
  countIn(scope: string): number {
    return this.#swarmsByScope.get(scope) ?? 0;
  }

  /** The swarm, new if need be; a new one is forgotten again unless somebody joins it. */
  open(scope: string, infoHash: string): SplitSwarm {
    const key = `${scope}/${infoHash}`;
    const known = this.#swarms.get(key);
    if (known) return known;
    const swarm: SplitSwarm = new SplitSwarm(this.#limits, () => this.#forget(key, scope, swarm));
    this.#swarms.set(key, swarm);
    this.#swarmsByScope.set(scope, this.countIn(scope) + 1);
    return swarm;
  }

  #forget(key: string, scope: string, swarm: SplitSwarm): void {
    if (this.#swarms.get(key) !== swarm) return;
    this.#swarms.delete(key);
    const count = this.countIn(scope) - 1;
    if (count > 0) this.#swarmsByScope.set(scope, count);
    else this.#swarmsByScope.delete(scope);
  }
}
