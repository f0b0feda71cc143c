// Events in order of their time: a binary heap. Equal times run in the order in which they were
// planned, so that a simulation with the same seed is the same.

interface Planned {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

export class EventQueue {
  readonly #heap: Planned[] = [];
  #planned = 0;
  #nowMs = 0;

  get nowMs(): number {
    return this.#nowMs;
  }

  plan(atMs: number, run: () => void): void {
    this.#planned += 1;
    this.#heap.push({ atMs: Math.max(atMs, this.#nowMs), order: this.#planned, run });
    let index = this.#heap.length - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#isBefore(index, parent)) return;
      this.#swap(index, parent);
      index = parent;
    }
  }

  /** Runs what is planned up to `untilMs`. */
  runUntil(untilMs: number): void {
    for (;;) {
      const first = this.#heap[0];
      if (!first || first.atMs > untilMs) break;
      this.#removeFirst();
      this.#nowMs = first.atMs;
      first.run();
    }
    this.#nowMs = untilMs;
  }

  #removeFirst(): void {
    const last = this.#heap.pop();
    if (!last || this.#heap.length === 0) return;
    this.#heap[0] = last;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      let least = index;
      if (left < this.#heap.length && this.#isBefore(left, least)) least = left;
      if (left + 1 < this.#heap.length && this.#isBefore(left + 1, least)) least = left + 1;
      if (least === index) return;
      this.#swap(index, least);
      index = least;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [first, second] = [this.#heap[a], this.#heap[b]];
    if (!first || !second) return false;
    return first.atMs < second.atMs || (first.atMs === second.atMs && first.order < second.order);
  }

  #swap(a: number, b: number): void {
    const [first, second] = [this.#heap[a], this.#heap[b]];
    if (!first || !second) return;
    this.#heap[a] = second;
    this.#heap[b] = first;
  }
}
