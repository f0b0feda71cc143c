// The same broadcast watched in two browser contexts, by plain hls.js and by Shoal, so that a fault
// meets both in the same run. Used by the fault tests; the page itself is faulty-page.

import type { GuardDecision, ShoalConfig, ShoalSession } from '@shoal/player';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import type { PlaybackKind, WatchedPlayback } from './faulty-page.ts';
import { pollUntil } from './poll-until.ts';

declare global {
  interface Window {
    watched(): WatchedPlayback;
    resetWatch(): void;
    switchLevels(count: number, everyMs: number): Promise<void>;
    seekAround(count: number, everyMs: number): Promise<void>;
    openAndDestroy(count: number): Promise<void>;
    /** For everything that measures with `performance.now()`. */
    passTime(byMs: number): void;
    setPlaybackRate(rate: number): void;
    /** For pages that open later. */
    openSource(): void;
    shoalSession(): ShoalSession;
    /** What the guard has said, in its order. */
    readonly guardChanges: readonly GuardDecision[];
    /** What was given to the media buffer, and how often with the mark in it. */
    appendedMedia(): { readonly appended: number; readonly marked: number };
  }
}

export interface FaultyViewerOptions {
  readonly siteUrl: string;
  readonly broadcast: string;
  readonly kind: PlaybackKind;
  readonly trackerUrl?: string;
  readonly clockOffsetMs?: number;
  readonly opens?: 'later';
  /** The playlist, where it is not the site's of that broadcast. */
  readonly source?: string;
  /** What must not be in the media buffer. */
  readonly mark?: string;
  /** Further options, beside the tracker. */
  readonly shoal?: ShoalConfig;
}

export class FaultyViewer {
  readonly page: Page;
  readonly #context: BrowserContext;

  private constructor(context: BrowserContext, page: Page) {
    this.#context = context;
    this.page = page;
  }

  static async open(browser: Browser, options: FaultyViewerOptions): Promise<FaultyViewer> {
    const { siteUrl, broadcast, kind, trackerUrl, clockOffsetMs = 0, opens } = options;
    const query = new URLSearchParams({ broadcast, kind, clockOffsetMs: String(clockOffsetMs) });
    if (trackerUrl !== undefined) query.set('tracker', trackerUrl);
    if (options.shoal !== undefined) query.set('shoal', JSON.stringify(options.shoal));
    if (opens !== undefined) query.set('opens', opens);
    if (options.source !== undefined) query.set('source', options.source);
    if (options.mark !== undefined) query.set('mark', options.mark);
    const context = await browser.newContext({ viewport: { width: 320, height: 200 } });
    const page = await context.newPage();
    await page.goto(`${siteUrl}/page?${query}`);
    return new FaultyViewer(context, page);
  }

  watched(): Promise<WatchedPlayback> {
    return this.page.evaluate(() => window.watched());
  }

  async untilPlaying(timeoutMs = 40_000): Promise<void> {
    await pollUntil(async () => (await this.watched()).positionSeconds > 1, {
      timeoutMs,
      description: 'the picture moves',
      intervalMs: 200,
    });
  }

  /** Waits until the play head is `seconds` further than now. */
  async untilPlayed(seconds: number, timeoutMs: number): Promise<void> {
    const goal = (await this.watched()).positionSeconds + seconds;
    await pollUntil(async () => (await this.watched()).positionSeconds >= goal, {
      timeoutMs,
      description: `${seconds} s more are played`,
      intervalMs: 200,
    });
  }

  async close(): Promise<void> {
    await this.#context.close();
  }
}
