// Pure: whether an encoder that is late catches up or stays behind real time. The broadcast tells
// it the lag with each frame, and makes less work for an encoder that stays behind.

/** Behind for so long without getting closer: a pause of the machine is made good sooner. */
const patienceMs = 4_000;
/** By less an encoder does not get closer. */
const leastGainMs = 300;

export class LagWatch {
  readonly #tolerableMs: number;
  #behindSinceMs: number | null = null;
  #lagThenMs = 0;

  /** @param tolerableMs lag that is none yet */
  constructor(tolerableMs: number) {
    this.#tolerableMs = tolerableMs;
  }

  /**
   * Whether the encoder has been late for a while and not become less so.
   * @param lagMs how late it is now
   */
  staysBehind(lagMs: number, nowMs: number): boolean {
    if (lagMs <= this.#tolerableMs) {
      this.#behindSinceMs = null;
      return false;
    }
    if (this.#behindSinceMs === null) {
      this.#behindSinceMs = nowMs;
      this.#lagThenMs = lagMs;
    }
    if (nowMs - this.#behindSinceMs < patienceMs) return false;
    if (lagMs > this.#lagThenMs - leastGainMs) return true;
    // It gets closer: the next while decides again.
    this.#behindSinceMs = nowMs;
    this.#lagThenMs = lagMs;
    return false;
  }
}
