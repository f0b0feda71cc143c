// When the scheduler is asked next: at the earliest of the times that events and the scheduler itself have
// named. One timer, owned by piece-delivery.

export interface WakeUpOptions {
  readonly nowMs: () => number;
  readonly run: () => void;
}

export class WakeUp {
  readonly #options: WakeUpOptions;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #dueAtMs = Number.POSITIVE_INFINITY;
  #closed = false;

  constructor(options: WakeUpOptions) {
    this.#options = options;
  }

  /** Not later than in `waitMs`; not at all when that is infinite. */
  within(waitMs: number): void {
    if (this.#closed || waitMs === Number.POSITIVE_INFINITY) return;
    const dueAtMs = this.#options.nowMs() + waitMs;
    if (dueAtMs >= this.#dueAtMs) return;
    this.#clear();
    this.#dueAtMs = dueAtMs;
    this.#timer = setTimeout(() => this.now(), waitMs);
  }

  now(): void {
    if (this.#closed) return;
    this.#clear();
    this.#options.run();
  }

  close(): void {
    this.#closed = true;
    this.#clear();
  }

  #clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#dueAtMs = Number.POSITIVE_INFINITY;
  }
}
