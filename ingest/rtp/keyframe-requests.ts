// When to ask for a keyframe: while none can be decoded, where the next segment should begin, and
// when somebody behind asks. The receiver turns each into a picture loss indication.

/** Many requests within this time are one. */
const coalesceMs = 200;
/** While nothing can be decoded: long enough for an answer, short enough to be noticed. */
const retryMs = 500;
/** Every sender begins with a keyframe by itself: give its packets time to come. */
const initialGraceMs = 150;
/** A request or its answer may be lost; longer waits follow for senders that do not answer. */
const firstAnswerMs = 250;
const maxAnswerMs = 4_000;
/** A keyframe that comes by so much too early still begins a segment, as the packager has it. */
const earlyMs = 100;
/** Answers that took longer were not answers, or were lost on the way. */
const maxLeadMs = 300;

export class KeyframeRequests {
  readonly #intervalMs: number;
  #isRequested = false;
  #lastSentMs = -Infinity;
  #firstAskedMs: number | null = null;
  /** When the keyframe came that began the current segment; `null` before the first. */
  #segmentStartMs: number | null = null;
  /** When the question for the next segment left first; `null` while there is none open. */
  #openSinceMs: number | null = null;
  #answerMs = firstAnswerMs;
  /** How long before a keyframe is wanted it has to be asked for. */
  #leadMs = 0;
  #sentCount = 0;

  /** @param intervalMs between keyframes, the duration of a segment */
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
    const startMs = this.#segmentStartMs;
    if (startMs !== null && nowMs - startMs < this.#intervalMs - earlyMs) return;
    // Since the last request: one that was lost says nothing about how long answers take.
    if (this.#openSinceMs !== null) this.#leadMs = Math.min(maxLeadMs, nowMs - this.#lastSentMs);
    this.#openSinceMs = null;
    this.#answerMs = firstAnswerMs;
    this.#segmentStartMs = nowMs;
  }

  /** Whether to ask now; counts as asked. */
  takeDue(needsKeyframe: boolean, nowMs: number): boolean {
    const sinceLastMs = nowMs - this.#lastSentMs;
    if (sinceLastMs < coalesceMs) return false;
    this.#firstAskedMs ??= nowMs;
    const isStarted = nowMs - this.#firstAskedMs >= initialGraceMs;
    const isRetry = needsKeyframe && isStarted && sinceLastMs >= retryMs;
    const isPeriodic = this.#isSegmentDue(nowMs);
    if (!isPeriodic && !isRetry && !this.#isRequested) return false;
    if (isPeriodic && this.#openSinceMs !== null) {
      this.#answerMs = Math.min(maxAnswerMs, this.#answerMs * 2);
    }
    if (isPeriodic) this.#openSinceMs ??= nowMs;
    this.#isRequested = false;
    this.#lastSentMs = nowMs;
    this.#sentCount += 1;
    return true;
  }

  /** Once when the segment is long enough, and again while no answer comes. */
  #isSegmentDue(nowMs: number): boolean {
    if (this.#segmentStartMs === null) return false;
    if (this.#openSinceMs !== null) return nowMs - this.#lastSentMs >= this.#answerMs;
    return nowMs - this.#segmentStartMs >= this.#intervalMs - this.#leadMs;
  }
}
