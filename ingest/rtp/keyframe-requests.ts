// When to ask for a keyframe: while none can be decoded, once per segment, and when somebody
// behind asks. The receiver turns each into a picture loss indication.

/** Many requests within this time are one. */
const coalesceMs = 200;
/** While nothing can be decoded: long enough for an answer, short enough to be noticed. */
const retryMs = 500;
/** Every sender begins with a keyframe by itself: give its packets time to come. */
const initialGraceMs = 150;

export class KeyframeRequests {
  readonly #intervalMs: number;
  #isRequested = false;
  #lastSentMs = -Infinity;
  #firstAskedMs: number | null = null;
  #nextPeriodicMs: number | null = null;
  #sentCount = 0;

  /** @param intervalMs between periodic requests, one per segment */
  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  get sentCount(): number {
    return this.#sentCount;
  }

  /** Somebody needs a keyframe soon. */
  request(): void {
    this.#isRequested = true;
  }

  /** A keyframe came; the first one starts the periodic requests. */
  noteKeyframe(nowMs: number): void {
    this.#nextPeriodicMs ??= nowMs + this.#intervalMs;
  }

  /** Whether to ask now; counts as asked. */
  takeDue(needsKeyframe: boolean, nowMs: number): boolean {
    if (nowMs - this.#lastSentMs < coalesceMs) return false;
    const isPeriodic = this.#nextPeriodicMs !== null && nowMs >= this.#nextPeriodicMs;
    this.#firstAskedMs ??= nowMs;
    const isStarted = nowMs - this.#firstAskedMs >= initialGraceMs;
    const isRetry = needsKeyframe && isStarted && nowMs - this.#lastSentMs >= retryMs;
    if (!isPeriodic && !isRetry && !this.#isRequested) return false;
    if (this.#nextPeriodicMs !== null && isPeriodic) {
      // On a fixed grid, so that segments keep their length; after a pause the grid starts anew.
      const isOnGrid = nowMs - this.#nextPeriodicMs < this.#intervalMs;
      this.#nextPeriodicMs = (isOnGrid ? this.#nextPeriodicMs : nowMs) + this.#intervalMs;
    }
    this.#isRequested = false;
    this.#lastSentMs = nowMs;
    this.#sentCount += 1;
    return true;
  }
}
