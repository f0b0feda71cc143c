// Plays one source through hls.js: waits for streams that have not begun, tries again after
// network faults, recovers the decoder once. Gets its hls.js from the element, reports states to it.

import Hls, { type ErrorData, type LevelLoadedData } from 'hls.js';
import { type HlsFault, hlsFaultOf } from './hls-fault.ts';
import type { Playback, PlaybackOptions } from './playback.ts';
import type { PlaybackState } from './playback-state.ts';
import { retryDelayMs } from './retry-policy.ts';

/** A second decoder fault within this time is not worth a second recovery. */
const mediaRecoveryPeriodMs = 30_000;
/** So many lost segments or media playlists in a row, and the stream is opened afresh. */
const reloadAfterAttempts = 3;

export class HlsPlayback implements Playback {
  readonly #hls: Hls;
  readonly #options: PlaybackOptions;
  readonly #abort = new AbortController();
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #attempts = 0;
  #lastRecoveryMs = Number.NEGATIVE_INFINITY;
  #isLive = false;
  #wasLive = false;

  /** @param hls a fresh instance; this playback owns and destroys it */
  constructor(hls: Hls, options: PlaybackOptions) {
    this.#hls = hls;
    this.#options = options;
    const { video } = options;
    hls.on(Hls.Events.MANIFEST_PARSED, () => this.#playable());
    hls.on(Hls.Events.LEVEL_LOADED, (_event, data) => this.#levelLoaded(data));
    hls.on(Hls.Events.FRAG_BUFFERED, () => this.#flowing());
    hls.on(Hls.Events.ERROR, (_event, data) => this.#faulted(data));
    const { signal } = this.#abort;
    video.addEventListener('ended', () => this.#ended(), { signal });
    // Seeking back after the end needs no new segment: playing again is the sign.
    video.addEventListener('playing', () => this.#flowing(), { signal });
    this.#report({ kind: 'loading' });
    hls.attachMedia(video);
    hls.loadSource(options.sourceUrl);
  }

  get isLive(): boolean {
    return this.#isLive;
  }

  get liveEdgeSeconds(): number | null {
    return this.#isLive ? this.#hls.liveSyncPosition : null;
  }

  close(): void {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort();
    clearTimeout(this.#retryTimer);
    this.#hls.destroy();
  }

  #report(state: PlaybackState): void {
    if (!this.#abort.signal.aborted) this.#options.onState(state);
  }

  #playable(): void {
    this.#report({ kind: 'loading' });
    this.#options.onPlayable();
  }

  #levelLoaded({ details }: LevelLoadedData): void {
    this.#isLive = details.live;
    this.#wasLive ||= details.live;
  }

  #flowing(): void {
    this.#attempts = 0;
    if (!this.#options.video.ended) this.#report({ kind: 'active' });
  }

  #ended(): void {
    // A stalled live stream can fire `ended` between two playlists: only an end list is the end.
    if (!this.#isLive) this.#report({ kind: 'ended', wasLive: this.#wasLive });
  }

  #faulted(data: ErrorData): void {
    if (!data.fatal) return;
    this.#handle(hlsFaultOf(data));
  }

  #handle(fault: HlsFault): void {
    switch (fault.kind) {
      case 'not-started':
        this.#report({ kind: 'waiting' });
        this.#retry(() => this.#reload());
        break;
      case 'playlist-lost':
        this.#report({ kind: 'reconnecting' });
        this.#retry(() => this.#reload());
        break;
      case 'media-lost':
        this.#report({ kind: 'reconnecting' });
        this.#retry(() => this.#resume());
        break;
      case 'decoder':
        this.#recoverDecoder();
        break;
      case 'final':
        this.#hls.stopLoad();
        this.#report({ kind: 'failed', failure: fault.failure });
    }
  }

  #retry(action: () => void): void {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(action, retryDelayMs(this.#attempts, Math.random()));
    this.#attempts += 1;
  }

  #reload(): void {
    this.#hls.loadSource(this.#options.sourceUrl);
  }

  #resume(): void {
    if (this.#attempts >= reloadAfterAttempts) this.#reload();
    else this.#hls.startLoad();
  }

  #recoverDecoder(): void {
    const nowMs = performance.now();
    if (nowMs - this.#lastRecoveryMs < mediaRecoveryPeriodMs) {
      this.#hls.stopLoad();
      this.#report({ kind: 'failed', failure: 'not-decodable' });
      return;
    }
    this.#lastRecoveryMs = nowMs;
    this.#hls.recoverMediaError();
    // Attaching again pauses the video; the element knows whether it should play.
    this.#options.onPlayable();
  }
}
