// The least of the samples of about the last half minute, in constant space. The timeline keeps
// the fastest packet of each track with it: the one that waited least in queues.

export class SlidingMinimum {
  readonly #bucketMs: number;
  #current = Infinity;
  #previous = Infinity;
  #bucketStartMs: number | null = null;

  /** @param windowMs samples count for at least half of it and at most all of it */
  constructor(windowMs: number) {
    this.#bucketMs = windowMs / 2;
  }

  /** `Infinity` before the first sample. */
  get value(): number {
    return Math.min(this.#current, this.#previous);
  }

  add(sample: number, nowMs: number): void {
    if (this.#bucketStartMs === null || nowMs - this.#bucketStartMs >= this.#bucketMs) {
      this.#previous = this.#current;
      this.#current = Infinity;
      this.#bucketStartMs = nowMs;
    }
    if (sample < this.#current) this.#current = sample;
  }

  reset(): void {
    this.#current = Infinity;
    this.#previous = Infinity;
    this.#bucketStartMs = null;
  }
}
