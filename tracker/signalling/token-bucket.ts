// How much somebody may do: a steady rate with room for a burst. Sockets and addresses have one
// each; it has no timer, the time of each attempt fills it.

export interface Rate {
  readonly perSecond: number;
  /** What may be done at once after a pause. */
  readonly burst: number;
}

export class TokenBucket {
  readonly #rate: Rate;
  #tokens: number;
  #filledAtMs: number;

  constructor(rate: Rate, nowMs: number) {
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#filledAtMs = nowMs;
  }

  /** Whether one more fits now; if so it is taken. */
  take(nowMs: number): boolean {
    const elapsedSeconds = Math.max(0, nowMs - this.#filledAtMs) / 1_000;
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + elapsedSeconds * this.#rate.perSecond);
    this.#filledAtMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
