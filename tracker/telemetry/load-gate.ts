// Whether the process keeps up with its work. The beacon route asks it before it reads a beacon, so
// that a tracker with too much to do refuses some at once instead of answering all ever later.

/** How often the event loop is looked at. */
const sampleIntervalMs = 50;

/** The share that is let in shrinks by this while timers are late, and grows by that while not. */
const shrinkFactor = 0.8;
const growStep = 0.02;
/** Late timers in a row that mean overload; a single one is a pause of the machine. */
const sustainedSamples = 5;
/** Never shut: what is refused for long enough fills the counters of players. */
const leastShare = 0.05;

export class LoadGate {
  readonly #maxLagMs: number;
  readonly #timer: NodeJS.Timeout;
  #expectedAtMs: number;
  #lateInARow = 0;
  #share = 1;
  #credit = 0;

  /** @param maxLagMs how late timers may be before work is refused */
  constructor(maxLagMs: number) {
    this.#maxLagMs = maxLagMs;
    this.#expectedAtMs = performance.now() + sampleIntervalMs;
    this.#timer = setInterval(() => this.#sample(), sampleIntervalMs);
    this.#timer.unref();
  }

  /** The share of the work that is let in now, 0…1. */
  get share(): number {
    return this.#share;
  }

  /** Whether to do one more piece of work now. */
  admit(): boolean {
    this.#credit += this.#share;
    if (this.#credit < 1) return false;
    this.#credit -= 1;
    return true;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Takes one sample: how late a timer was. */
  note(lagMs: number): void {
    const isLate = lagMs > this.#maxLagMs;
    this.#lateInARow = isLate ? this.#lateInARow + 1 : 0;
    if (this.#lateInARow >= sustainedSamples) {
      this.#share = Math.max(leastShare, this.#share * shrinkFactor);
    } else if (!isLate) this.#share = Math.min(1, this.#share + growStep);
  }

  #sample(): void {
    const nowMs = performance.now();
    this.note(nowMs - this.#expectedAtMs);
    this.#expectedAtMs = nowMs + sampleIntervalMs;
  }
}
