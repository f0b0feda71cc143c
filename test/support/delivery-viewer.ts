// Opens delivery pages in a browser and asks them what happened. Between `delivery-page.ts`, which
// runs in the page, and the tests and benchmarks.

import type { Browser, BrowserContext, Page } from 'playwright-core';
import type { PlayerStats } from '../../player/stats.ts';
import type { HlsBuild, LoadedFragment } from './delivery-page.ts';
import type { PageSite } from './page-site.ts';
import { pollUntil } from './poll-until.ts';

export interface DeliveryViewerOptions {
  readonly playlistUrl: string;
  readonly trackerUrl?: string;
  readonly exchange?: 'shoal' | 'p2p-media-loader';
  readonly build?: HlsBuild;
  /** Where the browser finds this machine; 127.0.0.1 by default. */
  readonly host?: string;
  /** hls.js's configuration. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** What a page can tell without its objects. */
export interface DeliveryReport {
  readonly startupMs: number | null;
  readonly stallCount: number;
  /** Of these, for want of media. */
  readonly starvedCount: number;
  readonly errors: readonly { readonly details: string; readonly isFatal: boolean }[];
  readonly unhandled: readonly string[];
  readonly fragments: readonly LoadedFragment[];
  readonly positionSeconds: number;
  readonly latencySeconds: number;
  readonly estimateBps: number;
  readonly level: number;
  /** Of sound that was decoded to be heard. */
  readonly soundBytes: number;
  readonly stats: PlayerStats | null;
  readonly fetchedBytes: Readonly<Record<string, number>>;
}

export class DeliveryViewer {
  readonly page: Page;
  readonly #context: BrowserContext;

  private constructor(context: BrowserContext, page: Page) {
    this.#context = context;
    this.page = page;
  }

  /** Opens a page in a context of its own: own connections, own cache. */
  static async open(
    browser: Browser,
    site: PageSite,
    options: DeliveryViewerOptions,
  ): Promise<DeliveryViewer> {
    const context = await browser.newContext();
    const page = await context.newPage();
    const { playlistUrl, trackerUrl, exchange, build, config, host } = options;
    await page.goto(
      site.url(
        {
          playlist: playlistUrl,
          ...(trackerUrl === undefined ? {} : { tracker: trackerUrl }),
          exchange: exchange ?? 'shoal',
          build: build ?? 'full',
          config: JSON.stringify(config ?? {}),
        },
        host,
      ),
    );
    return new DeliveryViewer(context, page);
  }

  async report(): Promise<DeliveryReport> {
    return await this.page.evaluate(() => {
      const { hls, video, startupMs, stallCount, errors, unhandled, fragments } = window.delivery;
      return {
        startupMs,
        stallCount,
        starvedCount: Number(video.getAttribute('data-starved-count') ?? Number.NaN),
        errors,
        unhandled,
        fragments,
        positionSeconds: video.currentTime,
        latencySeconds: hls.latency,
        estimateBps: hls.bandwidthEstimate,
        level: hls.currentLevel,
        soundBytes: Number(Reflect.get(video, 'webkitAudioDecodedByteCount')),
        stats: window.delivery.stats(),
        fetchedBytes: window.delivery.fetchedBytes(),
      };
    });
  }

  /** Until it has started, and then until it has played `seconds` more. */
  async untilPlayed(seconds: number, timeoutMs = 30_000): Promise<void> {
    let goal: number | null = null;
    await pollUntil(
      async () => {
        const { startupMs, positionSeconds } = await this.report();
        if (startupMs === null) return false;
        goal ??= positionSeconds + seconds;
        return positionSeconds >= goal;
      },
      { timeoutMs, description: `the page plays ${seconds} s more`, intervalMs: 200 },
    );
  }

  async close(): Promise<void> {
    await this.#context.close();
  }
}
