// A play head that moves by the clock through what was appended, as a media element does. The
// headless viewer appends segments of each track and reads positions; the meter hears of stalls.

import type { MediaTrack } from '@shoal/player/delivery';
import type { PlaybackEvent } from '@shoal/player/telemetry';

export class SyntheticPlayhead {
  readonly #onEvent: (event: PlaybackEvent) => void;
  /** What each track has buffered; nothing plays before all have something. */
  readonly #bufferedEndSeconds = new Map<MediaTrack, number>();
  #positionSeconds = 0;
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

  /** Playback waits for this track too. */
  expect(track: MediaTrack): void {
    this.#bufferedEndSeconds.set(track, 0);
  }

  /** A segment reached the buffer; with something of every track, playback starts. */
  append(track: MediaTrack, startSeconds: number, endSeconds: number, nowMs: number): void {
    this.tick(nowMs);
    const bufferedSeconds = this.#bufferedEndSeconds.get(track) ?? 0;
    // At first, and over a gap left by segments that the playlist dropped, hls.js jumps.
    if (!this.#isMoving && startSeconds > bufferedSeconds)
      this.#positionSeconds = Math.max(this.#positionSeconds, startSeconds);
    this.#bufferedEndSeconds.set(track, Math.max(bufferedSeconds, endSeconds));
    if (this.#isMoving || this.#endSeconds() <= this.#positionSeconds) return;
    this.#isMoving = true;
    this.#movedAtMs = nowMs;
    this.#onEvent('playing');
  }

  tick(nowMs: number): void {
    if (this.#movedAtMs === null || !this.#isMoving) return;
    this.#positionSeconds += (nowMs - this.#movedAtMs) / 1_000;
    this.#movedAtMs = nowMs;
    const endSeconds = this.#endSeconds();
    if (this.#positionSeconds < endSeconds) return;
    this.#positionSeconds = endSeconds;
    this.#isMoving = false;
    this.#onEvent('waiting');
  }

  #endSeconds(): number {
    return Math.min(...this.#bufferedEndSeconds.values());
  }
}
