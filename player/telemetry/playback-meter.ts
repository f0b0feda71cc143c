// Turns what a media element says into start-up time, stalls and time played. Pure: the session
// feeds it events with their time, in the browser from a <video>, in Node from a synthetic one.

/** What happened to playback; a stall is waiting that neither the viewer nor a seek asked for. */
export type PlaybackEvent = 'playing' | 'waiting' | 'seeking' | 'paused' | 'ended';

export interface PlaybackTotals {
  readonly startupSeconds: number | null;
  readonly stallCount: number;
  /** Of these, the ones that began with media in the buffer: the device could not keep up. */
  readonly deviceStallCount: number;
  /** A stall under way counts up to now. */
  readonly stallSeconds: number;
  readonly playedSeconds: number;
}

/** Less than this may be a hole, or the last frames of what has come. */
const leastBufferedSeconds = 0.5;

type State = 'starting' | 'playing' | 'stalled' | 'seeking' | 'idle';

export class PlaybackMeter {
  readonly #loadedAtMs: number;
  #state: State = 'starting';
  #stateSinceMs: number;
  #startupMs: number | null = null;
  #stallCount = 0;
  #deviceStallCount = 0;
  #stallMs = 0;
  #playedMs = 0;

  /** @param loadedAtMs when the player was told to load */
  constructor(loadedAtMs: number) {
    this.#loadedAtMs = loadedAtMs;
    this.#stateSinceMs = loadedAtMs;
  }

  /** @param bufferedSeconds media that is there to be played on */
  handle(event: PlaybackEvent, nowMs: number, bufferedSeconds = 0): void {
    const next = this.#next(event);
    if (next === this.#state) return;
    this.#leave(nowMs);
    if (next === 'stalled') {
      this.#stallCount += 1;
      if (bufferedSeconds >= leastBufferedSeconds) this.#deviceStallCount += 1;
    }
    if (next === 'playing') this.#startupMs ??= nowMs - this.#loadedAtMs;
    this.#state = next;
    this.#stateSinceMs = nowMs;
  }

  totals(nowMs: number): PlaybackTotals {
    const currentMs = Math.max(0, nowMs - this.#stateSinceMs);
    return {
      startupSeconds: this.#startupMs === null ? null : this.#startupMs / 1_000,
      stallCount: this.#stallCount,
      deviceStallCount: this.#deviceStallCount,
      stallSeconds: (this.#stallMs + (this.#state === 'stalled' ? currentMs : 0)) / 1_000,
      playedSeconds: (this.#playedMs + (this.#state === 'playing' ? currentMs : 0)) / 1_000,
    };
  }

  #next(event: PlaybackEvent): State {
    if (event === 'playing') return 'playing';
    if (event === 'paused' || event === 'ended')
      return this.#startupMs === null ? 'starting' : 'idle';
    if (event === 'seeking') return this.#startupMs === null ? 'starting' : 'seeking';
    return this.#state === 'playing' ? 'stalled' : this.#state;
  }

  #leave(nowMs: number): void {
    const elapsedMs = Math.max(0, nowMs - this.#stateSinceMs);
    if (this.#state === 'playing') this.#playedMs += elapsedMs;
    if (this.#state === 'stalled') this.#stallMs += elapsedMs;
  }
}
