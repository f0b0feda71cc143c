// The tracker of a simulated swarm: places on the real ring, and strangers to meet. Below the
// simulator; what pairs of networks do not let through is decided here too.

import { hash01 } from '../../player/delivery/scheduler/cdn-turn.ts';
import type { RingPosition } from '../../player/delivery/scheduler/scheduler-actions.ts';
import { PeerBag } from '../../tracker/signalling/peer-bag.ts';
import { roomyShare } from '../../tracker/signalling/peer-selection.ts';
import { RingTiers } from '../../tracker/signalling/ring-tiers.ts';
import type { SimulatedViewer } from './simulated-viewer.ts';
import type { SwarmModel } from './swarm-model.ts';

const hexOf = (id: string): string => Buffer.from(id).toString('hex');

export class SimulatedTracker {
  readonly #model: SwarmModel;
  readonly #random: () => number;
  readonly #ring = new RingTiers();
  readonly #viewers: SimulatedViewer[] = [];
  readonly #roomy = new PeerBag<SimulatedViewer>();

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
    this.#roomy.delete(viewer);
  }

  ringOf(viewer: SimulatedViewer): RingPosition | null {
    return this.#ring.answerFor(hexOf(viewer.id));
  }

  anybody(): SimulatedViewer | undefined {
    return this.#viewers[Math.floor(this.#random() * this.#viewers.length)];
  }

  /** What a viewer says of itself with each announce. */
  tell(viewer: SimulatedViewer): void {
    const { isStrong, neighbours } = viewer;
    this.#ring.setStrong(hexOf(viewer.id), isStrong);
    if (isStrong && neighbours.size < viewer.mostAccepted(this.#model.maxNeighbours))
      this.#roomy.add(viewer);
    else this.#roomy.delete(viewer);
  }

  /** Up to `count` viewers that `viewer` does not know and can reach, with the delay to each. */
  introduce(viewer: SimulatedViewer, count: number): { other: SimulatedViewer; delayMs: number }[] {
    const found: { other: SimulatedViewer; delayMs: number }[] = [];
    const met = new Set<SimulatedViewer>([viewer]);
    const meet = (other: SimulatedViewer): void => {
      met.add(other);
      const delayMs = this.#delayMsBetween(viewer, other);
      if (delayMs !== null) found.push({ other, delayMs });
    };
    const isNew = (other: SimulatedViewer): boolean =>
      !met.has(other) && !viewer.neighbours.has(other.id);
    if (viewer.isInNeed) {
      const roomy = Math.floor(count * roomyShare);
      for (const other of this.#roomy.draw(roomy, isNew, this.#random)) meet(other);
    }
    for (let tries = 0; found.length < count && tries < 6 * count; tries += 1) {
      const other = this.anybody();
      if (other && isNew(other)) meet(other);
    }
    return found;
  }

  /** `null` when the two cannot connect. */
  #delayMsBetween(viewer: SimulatedViewer, other: SimulatedViewer): number | null {
    const { blockedPairShare, leastDelayMs, mostDelayMs, seed } = this.#model;
    const pair = [viewer.id, other.id].sort().join();
    if (hash01(`${seed} ${pair}`) < blockedPairShare) return null;
    return leastDelayMs + (mostDelayMs - leastDelayMs) * hash01(`${pair} ${seed}`);
  }
}
