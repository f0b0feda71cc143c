// Plays one source through hls.js: waits for streams that have not begun, tries again after
// network faults, recovers the decoder once. Gets its hls.js from the element, reports states to it.

import Hls, { type ErrorData, type LevelLoadedData } from 'hls.js';
import { isOffline, watchConnectivity } from './connectivity.ts';
import { type HlsFault, hlsFaultOf } from './hls-fault.ts';
import type { PlayableRendition, Playback, PlaybackOptions } from './playback.ts';
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
  #state: PlaybackState = { kind: 'idle' };
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #pendingRetry: (() => void) | null = null;
  #attempts = 0;
  #lastRecoveryMs = Number.NEGATIVE_INFINITY;
  #isLive: boolean | null = null;
  #wasLive = false;
  #windowSeconds = 0;

  /** @param hls a fresh instance; this playback owns and destroys it */
  constructor(hls: Hls, options: PlaybackOptions) {
    this.#hls = hls;
    this.#options = options;
    const { video } = options;
    hls.on(Hls.Events.MANIFEST_PARSED, () => this.#playable());
    hls.on(Hls.Events.LEVELS_UPDATED, () => options.onRenditions());
    hls.on(Hls.Events.LEVEL_LOADED, (_event, data) => this.#levelLoaded(data));
    hls.on(Hls.Events.FRAG_BUFFERED, () => this.#flowing());
    hls.on(Hls.Events.ERROR, (_event, data) => this.#faulted(data));
    const { signal } = this.#abort;
    video.addEventListener('ended', () => this.#ended(), { signal });
    // Seeking back after the end needs no new segment: playing again is the sign.
    video.addEventListener('playing', () => this.#flowing(), { signal });
    video.addEventListener('waiting', () => this.#ranDry(), { signal });
    watchConnectivity({ onBack: () => this.#back(), onGone: () => this.#ranDry() }, signal);
    this.#report({ kind: 'loading' });
    hls.attachMedia(video);
    hls.loadSource(options.sourceUrl);
  }

  get isLive(): boolean | null {
    return this.#isLive;
  }

  get liveEdgeSeconds(): number | null {
    return this.#isLive ? this.#hls.liveSyncPosition : null;
  }

  get windowSeconds(): number {
    return this.#windowSeconds;
  }

  get renditions(): readonly PlayableRendition[] {
    return this.#hls.levels.map(({ width, height, bitrate }, index) => ({
      id: String(index),
      width,
      height,
      bitrateBps: bitrate,
    }));
  }

  selectRendition(id: string | null): void {
    this.#hls.nextLevel = id === null ? -1 : Number(id);
  }

  get zeroDateMs(): number | null {
    const details = this.#hls.latestLevelDetails;
    const dated = details?.fragments.find(({ programDateTime }) => programDateTime !== null);
    return dated?.programDateTime == null ? null : dated.programDateTime - dated.start * 1_000;
  }

  close(): void {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort();
    clearTimeout(this.#retryTimer);
    this.#hls.destroy();
  }

  #report(state: PlaybackState): void {
    if (this.#abort.signal.aborted) return;
    this.#state = state;
    this.#options.onState(state);
  }

  #playable(): void {
    this.#report({ kind: 'loading' });
    this.#options.onRenditions();
    this.#options.onPlayable();
  }

  #levelLoaded({ details }: LevelLoadedData): void {
    const isKnown = this.#isLive === details.live && this.#windowSeconds === details.totalduration;
    this.#isLive = details.live;
    this.#windowSeconds = details.totalduration;
    this.#wasLive ||= details.live;
    if (!isKnown) this.#options.onTimeline();
  }

  #flowing(): void {
    this.#attempts = 0;
    if (!this.#options.video.ended) this.#report({ kind: 'active' });
  }

  #ended(): void {
    // A stalled live stream can fire `ended` between two playlists: only an end list is the end.
    if (this.#isLive === false) this.#report({ kind: 'ended', wasLive: this.#wasLive });
  }

  /** hls.js waits for the network by itself when it is gone, and reports no fault then. */
  #ranDry(): void {
    const isEmpty = this.#options.video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA;
    const isUnderWay = this.#state.kind !== 'ended' && this.#state.kind !== 'failed';
    if (isOffline() && isEmpty && isUnderWay) this.#report({ kind: 'offline' });
  }

  #back(): void {
    if (this.#state.kind === 'offline') this.#report({ kind: 'reconnecting' });
    const retry = this.#pendingRetry;
    if (retry === null) return;
    this.#attempts = 0;
    this.#runRetry(retry);
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
        this.#reportLost();
        this.#retry(() => this.#reload());
        break;
      case 'media-lost':
        this.#reportLost();
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

  #reportLost(): void {
    this.#report({ kind: isOffline() ? 'offline' : 'reconnecting' });
  }

  #retry(action: () => void): void {
    clearTimeout(this.#retryTimer);
    this.#pendingRetry = action;
    const delayMs = retryDelayMs(this.#attempts, Math.random());
    this.#retryTimer = setTimeout(() => this.#runRetry(action), delayMs);
    this.#attempts += 1;
  }

  #runRetry(action: () => void): void {
    clearTimeout(this.#retryTimer);
    this.#pendingRetry = null;
    action();
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
