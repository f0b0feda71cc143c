// Brings a viewer who was watching live back to the live edge after a sleep, a time in the
// background or without a network. The element owns it and says where the edge is.

import { watchConnectivity } from './connectivity.ts';
import { liveToleranceSeconds } from './live-edge.ts';

/** Timers and playback that stood still for this long mean that the machine slept. */
const sleepGapMs = 4_000;
/** After waking, the edge is known once the playlist was loaded again. */
const returnPeriodMs = 20_000;
const settlingMs = 5_000;
/** Less is not worth a jump: hls.js catches up or the viewer does not notice. */
const returnDistanceSeconds = liveToleranceSeconds + 4;
const tickMs = 1_000;
/** A pause this soon after the page went to the background is the browser's own. */
const backgroundPauseMs = 1_500;

export interface LiveReturnOptions {
  readonly video: HTMLVideoElement;
  /** `null` when the stream is not live. */
  readonly edgeSeconds: () => number | null;
  /** Jumps to the edge and plays. */
  readonly jump: () => void;
}

export class LiveReturn {
  readonly #options: LiveReturnOptions;
  /** The viewer wants to see what is live: until they pause or seek away. */
  #isFollowing = true;
  #isPausedByBrowser = false;
  #hiddenAtMs = Number.NEGATIVE_INFINITY;
  #lastTickMs = performance.now();
  #returnUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: LiveReturnOptions, signal: AbortSignal) {
    this.#options = options;
    const { video } = options;
    video.addEventListener('timeupdate', () => this.#tick(), { signal });
    video.addEventListener('seeked', () => this.#judge(), { signal });
    video.addEventListener('playing', () => this.#judge(), { signal });
    video.addEventListener('pause', () => this.#paused(), { signal });
    document.addEventListener('visibilitychange', () => this.#visibilityChanged(), { signal });
    watchConnectivity({ onBack: () => this.#wake(), onGone: () => {} }, signal);
    const timer = setInterval(() => this.#tick(), tickMs);
    signal.addEventListener('abort', () => clearInterval(timer), { once: true });
  }

  #tick(): void {
    const nowMs = performance.now();
    if (nowMs - this.#lastTickMs > sleepGapMs) this.#wake();
    this.#lastTickMs = nowMs;
    const behindSeconds = this.#behindSeconds();
    if (!this.#isFollowing || nowMs > this.#returnUntilMs || behindSeconds === null) return;
    if (behindSeconds < returnDistanceSeconds) {
      // Back already: seeking away from here is the viewer's wish again.
      if (nowMs > this.#returnUntilMs - returnPeriodMs + settlingMs) this.#endReturn();
      return;
    }
    if (this.#options.video.paused && !this.#isPausedByBrowser) return;
    this.#endReturn();
    this.#isPausedByBrowser = false;
    this.#options.jump();
  }

  #endReturn(): void {
    this.#returnUntilMs = Number.NEGATIVE_INFINITY;
  }

  #wake(): void {
    this.#returnUntilMs = performance.now() + returnPeriodMs;
  }

  /** While a return is due, being behind is not what the viewer chose. */
  #judge(): void {
    const behindSeconds = this.#behindSeconds();
    const nowMs = performance.now();
    if (nowMs - this.#lastTickMs > sleepGapMs) this.#wake();
    if (behindSeconds === null || nowMs <= this.#returnUntilMs) return;
    this.#isFollowing = behindSeconds < returnDistanceSeconds;
  }

  #paused(): void {
    const nowMs = performance.now();
    const isHidden = document.visibilityState === 'hidden';
    this.#isPausedByBrowser = isHidden && nowMs - this.#hiddenAtMs < backgroundPauseMs;
    if (!this.#isPausedByBrowser && !this.#options.video.ended) this.#isFollowing = false;
  }

  #visibilityChanged(): void {
    if (document.visibilityState === 'hidden') {
      this.#hiddenAtMs = performance.now();
      return;
    }
    this.#wake();
    this.#tick();
  }

  #behindSeconds(): number | null {
    const edgeSeconds = this.#options.edgeSeconds();
    return edgeSeconds === null ? null : edgeSeconds - this.#options.video.currentTime;
  }
}
