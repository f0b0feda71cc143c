// Whose line carries the first copy of each slice: in large swarms only strong viewers own slices, in
// small ones everybody who can upload. Two rings (ring.ts); swarm.ts keeps one of these.

import { Ring, type RingAnswer } from './ring.ts';

/**
 * With fewer strong viewers all own slices. In swarms of this size a copy takes several hops, and a
 * slow line among the first of them keeps everybody waiting.
 */
const leastStrong = 64;
/** Once the strong own everything, so many less will do. */
const hysteresis = 0.75;

export class RingTiers {
  readonly #capable = new Ring();
  readonly #strong = new Ring();
  #isTiered = false;

  join(peerId: string): void {
    this.#capable.join(peerId);
  }

  leave(peerId: string): void {
    this.#capable.leave(peerId);
    this.setStrong(peerId, false);
  }

  /** What a viewer that has joined says of its own line. */
  setStrong(peerId: string, isStrong: boolean): void {
    if (isStrong && this.#capable.has(peerId)) this.#strong.join(peerId);
    else this.#strong.leave(peerId);
    const least = this.#isTiered ? hysteresis * leastStrong : leastStrong;
    this.#isTiered = this.#strong.size >= least;
  }

  /** `null` for a viewer that has no place. */
  answerFor(peerId: string): RingAnswer | null {
    const place = this.#capable.answerFor(peerId);
    if (place === null || !this.#isTiered) return place;
    return this.#strong.answerFor(peerId) ?? { ...place, isSpared: true };
  }
}
