// Plays one source with the browser's own HLS where there is no MSE (older iPhones): from the CDN
// alone. Asks for the playlist first, because a video element does not tell 404 from other faults.

import { isOffline, watchConnectivity } from './connectivity.ts';
import type { PlayableRendition, Playback, PlaybackOptions } from './playback.ts';
import type { PlaybackState } from './playback-state.ts';
import { retryDelayMs } from './retry-policy.ts';

export class NativePlayback implements Playback {
  readonly #options: PlaybackOptions;
  readonly #abort = new AbortController();
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #attempts = 0;
  #wasLive = false;
  #isLost = false;

  /** Whether this browser plays HLS by itself. */
  static isSupported(video: HTMLVideoElement): boolean {
    return video.canPlayType('application/vnd.apple.mpegurl') !== '';
  }

  constructor(options: PlaybackOptions) {
    this.#options = options;
    const { signal } = this.#abort;
    const listen = (type: keyof HTMLMediaElementEventMap, listener: () => void): void =>
      options.video.addEventListener(type, listener, { signal });
    listen('loadedmetadata', () => this.#loaded());
    listen('playing', () => this.#flowing());
    listen('ended', () => this.#report({ kind: 'ended', wasLive: this.#wasLive }));
    listen('error', () => this.#lost());
    listen('durationchange', () => options.onTimeline());
    watchConnectivity({ onBack: () => this.#back(), onGone: () => {} }, signal);
    this.#report({ kind: 'loading' });
    void this.#open();
  }

  get isLive(): boolean | null {
    const { duration } = this.#options.video;
    return Number.isNaN(duration) ? null : duration === Number.POSITIVE_INFINITY;
  }

  get liveEdgeSeconds(): number | null {
    const { seekable } = this.#options.video;
    return this.isLive && seekable.length > 0 ? seekable.end(seekable.length - 1) : null;
  }

  get windowSeconds(): number {
    const { seekable } = this.#options.video;
    return seekable.length > 0 ? seekable.end(seekable.length - 1) - seekable.start(0) : 0;
  }

  /** The browser chooses by itself and tells nobody. */
  get renditions(): readonly PlayableRendition[] {
    return [];
  }
  selectRendition(): void {}

  /** Safari's own way to know it. */
  get zeroDateMs(): number | null {
    const { video } = this.#options;
    const getStartDate: unknown = Reflect.get(video, 'getStartDate');
    const start: unknown = typeof getStartDate === 'function' ? getStartDate.call(video) : null;
    return start instanceof Date && !Number.isNaN(start.getTime()) ? start.getTime() : null;
  }

  close(): void {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort();
    clearTimeout(this.#retryTimer);
    this.#options.video.removeAttribute('src');
    this.#options.video.load();
  }

  #report(state: PlaybackState): void {
    if (!this.#abort.signal.aborted) this.#options.onState(state);
  }

  /** Never rejects: every outcome is a state. */
  async #open(): Promise<void> {
    const status = await this.#playlistStatus();
    if (this.#abort.signal.aborted) return;
    if (status === 404) {
      this.#report({ kind: 'waiting' });
      this.#retry();
    } else if (status === 401 || status === 403) {
      this.#report({ kind: 'failed', failure: 'forbidden' });
    } else if (status >= 500) {
      this.#lost();
    } else {
      this.#options.video.src = this.#options.sourceUrl;
      this.#options.onPlayable();
    }
  }

  /** The playlist's HTTP status, 0 when it cannot be asked (no CORS): then the video tries. */
  async #playlistStatus(): Promise<number> {
    try {
      const response = await fetch(this.#options.sourceUrl, {
        method: 'HEAD',
        signal: this.#abort.signal,
      });
      return response.status;
    } catch {
      return 0;
    }
  }

  #loaded(): void {
    this.#wasLive ||= this.isLive === true;
    this.#options.onTimeline();
  }

  #flowing(): void {
    this.#attempts = 0;
    this.#isLost = false;
    this.#report({ kind: 'active' });
  }

  #lost(): void {
    this.#isLost = true;
    this.#report({ kind: isOffline() ? 'offline' : 'reconnecting' });
    this.#retry();
  }

  #back(): void {
    if (!this.#isLost) return;
    this.#attempts = 0;
    clearTimeout(this.#retryTimer);
    void this.#open();
  }

  #retry(): void {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(
      () => void this.#open(),
      retryDelayMs(this.#attempts, Math.random()),
    );
    this.#attempts += 1;
  }
}
