// The tracker of a simulated swarm: places on the real ring, and strangers to meet. Below the
// simulator; what pairs of networks do not let through is decided here too.

import { hash01 } from '../../player/delivery/scheduler/cdn-turn.ts';
import type { RingPosition } from '../../player/delivery/scheduler/scheduler-actions.ts';
import { Ring } from '../../tracker/signalling/ring.ts';
import type { SimulatedViewer } from './simulated-viewer.ts';
import type { SwarmModel } from './swarm-model.ts';

const hexOf = (id: string): string => Buffer.from(id).toString('hex');

export class SimulatedTracker {
  readonly #model: SwarmModel;
  readonly #random: () => number;
  readonly #ring = new Ring();
  readonly #viewers: SimulatedViewer[] = [];

  constructor(model: SwarmModel, random: () => number) {
    this.#model = model;
    this.#random = random;
  }

  get viewerCount(): number {
    return this.#viewers.length;
  }

  join(viewer: SimulatedViewer): void {
    this.#viewers.push(viewer);
    this.#ring.join(hexOf(viewer.id));
  }

  leave(viewer: SimulatedViewer): void {
    const index = this.#viewers.indexOf(viewer);
    if (index >= 0) this.#viewers.splice(index, 1);
    this.#ring.leave(hexOf(viewer.id));
  }

  ringOf(viewer: SimulatedViewer): RingPosition | null {
    return this.#ring.answerFor(hexOf(viewer.id));
  }

  anybody(): SimulatedViewer | undefined {
    return this.#viewers[Math.floor(this.#random() * this.#viewers.length)];
  }

  /** Up to `count` viewers that `viewer` does not know and can reach, with the delay to each. */
  introduce(viewer: SimulatedViewer, count: number): { other: SimulatedViewer; delayMs: number }[] {
    const found: { other: SimulatedViewer; delayMs: number }[] = [];
    const { blockedPairShare, leastDelayMs, mostDelayMs, seed } = this.#model;
    for (let tries = 0; found.length < count && tries < 6 * count; tries += 1) {
      const other = this.anybody();
      if (!other || other === viewer || viewer.neighbours.has(other.id)) continue;
      if (found.some((each) => each.other === other)) continue;
      const pair = [viewer.id, other.id].sort().join();
      if (hash01(`${seed} ${pair}`) < blockedPairShare) continue;
      const delayMs = leastDelayMs + (mostDelayMs - leastDelayMs) * hash01(`${pair} ${seed}`);
      found.push({ other, delayMs });
    }
    return found;
  }
}
