// When the schedulers of a playback are asked next: each at the earliest of the times that events and it
// itself have named, and together where these are nearly the same, since being woken up costs a page more
// than what is then done. One timer for all renditions, owned by hybrid-delivery.

type Timer = ReturnType<typeof setTimeout>;

/** One scheduler. */
interface Sleeper {
  readonly run: () => void;
  /** Who would be woken up this soon after another is woken up with it. */
  readonly togetherMs: number;
  dueAtMs: number;
}

export class WakeUps {
  readonly #nowMs: () => number;
  readonly #sleepers = new Set<Sleeper>();
  #timer: Timer | null = null;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #isRunning = false;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  add(run: () => void, togetherMs: number): WakeUp {
    const sleeper: Sleeper = { run, togetherMs, dueAtMs: Number.POSITIVE_INFINITY };
    this.#sleepers.add(sleeper);
    return {
      within: (waitMs) => {
        if (waitMs === Number.POSITIVE_INFINITY) return;
        sleeper.dueAtMs = Math.min(sleeper.dueAtMs, this.#nowMs() + waitMs);
        this.#setTimer();
      },
      now: () => {
        if (!this.#sleepers.has(sleeper)) return;
        sleeper.dueAtMs = Number.NEGATIVE_INFINITY;
        this.#runWhoIsDue();
      },
      close: () => {
        this.#sleepers.delete(sleeper);
        if (this.#sleepers.size === 0) this.#clearTimer();
      },
    };
  }

  #runWhoIsDue(): void {
    // What is due because of what is done now is done in the next task.
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      const nowMs = this.#nowMs();
      for (const sleeper of this.#sleepers) {
        if (sleeper.dueAtMs > nowMs + sleeper.togetherMs) continue;
        sleeper.dueAtMs = Number.POSITIVE_INFINITY;
        sleeper.run();
      }
    } finally {
      this.#isRunning = false;
      this.#setTimer();
    }
  }

  /**
   * A timer that is too early is left: it may find nobody due and is set anew then, where each message
   * would else set it once more.
   */
  #setTimer(): void {
    if (this.#isRunning) return;
    let dueAtMs = Number.POSITIVE_INFINITY;
    for (const sleeper of this.#sleepers) dueAtMs = Math.min(dueAtMs, sleeper.dueAtMs);
    if (this.#timerAtMs <= dueAtMs) return;
    this.#clearTimer();
    this.#timerAtMs = dueAtMs;
    const waitMs = Math.max(0, dueAtMs - this.#nowMs());
    this.#timer = setTimeout(() => {
      this.#clearTimer();
      this.#runWhoIsDue();
    }, waitMs);
  }

  #clearTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#timerAtMs = Number.POSITIVE_INFINITY;
  }
}

export interface WakeUp {
  /** Not later than in `waitMs`; not at all when that is infinite. */
  within(waitMs: number): void;
  now(): void;
  close(): void;
}
