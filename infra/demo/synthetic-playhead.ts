// A play head that moves by the clock through what was appended, as a media element does. The
// headless viewer appends segments and reads positions; the playback meter hears of stalls.

import type { PlaybackEvent } from '@shoal/player/telemetry';

export class SyntheticPlayhead {
  readonly #onEvent: (event: PlaybackEvent) => void;
  #positionSeconds = 0;
  #bufferedEndSeconds = 0;
  #movedAtMs: number | null = null;
  #isMoving = false;

  constructor(onEvent: (event: PlaybackEvent) => void) {
    this.#onEvent = onEvent;
  }

  get hasStarted(): boolean {
    return this.#movedAtMs !== null;
  }

  get positionSeconds(): number {
    return this.#positionSeconds;
  }

  /** A segment reached the buffer; the first one starts playback. */
  append(startSeconds: number, endSeconds: number, nowMs: number): void {
    if (this.#movedAtMs === null) {
      this.#positionSeconds = startSeconds;
      this.#movedAtMs = nowMs;
    }
    this.tick(nowMs);
    // A gap left by segments that the playlist dropped is jumped, as hls.js does.
    if (startSeconds > this.#bufferedEndSeconds && !this.#isMoving)
      this.#positionSeconds = startSeconds;
    this.#bufferedEndSeconds = Math.max(this.#bufferedEndSeconds, endSeconds);
    if (!this.#isMoving) {
      this.#isMoving = true;
      this.#movedAtMs = nowMs;
      this.#onEvent('playing');
    }
  }

  tick(nowMs: number): void {
    if (this.#movedAtMs === null || !this.#isMoving) return;
    this.#positionSeconds += (nowMs - this.#movedAtMs) / 1_000;
    this.#movedAtMs = nowMs;
    if (this.#positionSeconds < this.#bufferedEndSeconds) return;
    this.#positionSeconds = this.#bufferedEndSeconds;
    this.#isMoving = false;
    this.#onEvent('waiting');
  }
}
