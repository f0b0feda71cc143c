// A viewer in a real browser on the watch page, with what a test needs to see of it: its stats,
// its picture, its sound and whether marked bytes ever came near its media buffer.

import type { PlayerStats } from '@shoal/player';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { pollUntil } from './poll-until.ts';
import { countStarving } from './starved-count.ts';

declare global {
  interface Window {
    shoalAppends?: { count: number; marked: number };
  }
}

export interface MediaState {
  readonly positionSeconds: number;
  readonly isPaused: boolean;
  readonly decodedFrames: number;
  readonly decodedAudioBytes: number;
  /** A fingerprint of the picture that is shown, empty before the first. */
  readonly picture: string;
}

export class BrowserViewer {
  readonly page: Page;
  /** Errors that the page did not handle. */
  readonly pageErrors: string[] = [];
  readonly #context: BrowserContext;

  private constructor(context: BrowserContext, page: Page) {
    this.#context = context;
    this.page = page;
    page.on('pageerror', (error) => this.pageErrors.push(error.message));
  }

  /** Opens a watch page in a context of its own: own connections, own storage. */
  static async open(
    browser: Browser,
    watchUrl: string,
    markToWatchFor = 'never in a stream',
  ): Promise<BrowserViewer> {
    // Drawing is what costs most on a machine without a graphics card.
    const context = await browser.newContext({ viewport: { width: 480, height: 320 } });
    return BrowserViewer.openIn(context, watchUrl, markToWatchFor);
  }

  /** Opens it in a context that a test has made its own. */
  static async openIn(
    context: BrowserContext,
    watchUrl: string,
    markToWatchFor = 'never in a stream',
  ): Promise<BrowserViewer> {
    const page = await context.newPage();
    await page.addInitScript(watchAppends, markToWatchFor);
    await page.goto(watchUrl);
    return new BrowserViewer(context, page);
  }

  async stats(): Promise<PlayerStats> {
    return await this.page.evaluate(() => {
      const player = document.querySelector('shoal-player');
      if (player === null || !('stats' in player)) throw new Error('there is no player');
      return player.stats as PlayerStats;
    });
  }

  async media(): Promise<MediaState> {
    return await this.page.evaluate(() => {
      const player = document.querySelector('shoal-player');
      const video = player?.shadowRoot?.querySelector('video');
      if (!video) throw new Error('there is no video');
      const canvas = new OffscreenCanvas(32, 18);
      const context = canvas.getContext('2d');
      let picture = '';
      if (context && video.readyState >= 2) {
        context.drawImage(video, 0, 0, 32, 18);
        picture = String.fromCharCode(...context.getImageData(0, 0, 32, 18).data);
      }
      // Chromium's own counter of what its audio decoder was given.
      const audio = 'webkitAudioDecodedByteCount' in video ? video.webkitAudioDecodedByteCount : 0;
      return {
        positionSeconds: video.currentTime,
        isPaused: video.paused,
        decodedFrames: video.getVideoPlaybackQuality().totalVideoFrames,
        decodedAudioBytes: Number(audio),
        picture,
      };
    });
  }

  /** How much was given to the media buffer, and how often with the mark in it. */
  async appends(): Promise<{ count: number; marked: number }> {
    return await this.page.evaluate(() => window.shoalAppends ?? { count: 0, marked: 0 });
  }

  async untilPlaying(timeoutMs: number): Promise<void> {
    await pollUntil(
      async () =>
        (await this.media()).positionSeconds > 0 && (await this.media()).decodedFrames > 10,
      {
        timeoutMs,
        description: 'the watch page plays',
        intervalMs: 250,
      },
    );
    await this.#video.evaluate(countStarving);
  }

  /** How often the picture stood still for want of media, since it was seen to play. */
  async starvedCount(): Promise<number> {
    return await this.#video.evaluate((video) =>
      Number(video.getAttribute('data-starved-count') ?? Number.NaN),
    );
  }

  get #video(): Locator {
    return this.page.locator('shoal-player video').first();
  }

  async close(): Promise<void> {
    await this.#context.close();
  }
}

/** Runs in the page before its scripts: looks at everything that goes into a SourceBuffer. */
function watchAppends(mark: string): void {
  const seen = { count: 0, marked: 0 };
  window.shoalAppends = seen;
  const original = SourceBuffer.prototype.appendBuffer;
  SourceBuffer.prototype.appendBuffer = function appendBuffer(data: BufferSource): void {
    const bytes = ArrayBuffer.isView(data)
      ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
      : new Uint8Array(data);
    seen.count += 1;
    if (new TextDecoder('latin1').decode(bytes).includes(mark)) seen.marked += 1;
    original.call(this, data);
  };
}
