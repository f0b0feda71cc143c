// One browser and one HLS site for the tests of `<shoal-player>`, and pages with one player on them.
// The site is made by `hls-site.ts`; every page is closed after its test.

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { buildForBrowsers } from '../../infra/local/build.ts';
import { HlsSite } from './hls-site.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
export const pageTimeoutMs = 20_000;

export interface PlayerPageOptions {
  readonly attributes: string;
  readonly widthPx?: number;
  readonly colorScheme?: 'light' | 'dark';
  /** Runs in the page before its scripts. */
  readonly initScript?: () => void;
  /** Headers of the page itself, for example its policy. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly browser?: Browser;
}

export interface PlayerPage {
  readonly page: Page;
  /** Errors that no code caught. */
  readonly problems: readonly string[];
}

export class PlayerPages {
  readonly site: HlsSite;
  readonly browser: Browser;
  #pages: Page[] = [];

  private constructor(site: HlsSite, browser: Browser) {
    this.site = site;
    this.browser = browser;
  }

  static async start(): Promise<PlayerPages> {
    await buildForBrowsers({ isForced: false });
    const folders = { '/player/': path.join(root, 'player/dist') };
    return new PlayerPages(await HlsSite.start({ folders }), await launch());
  }

  /** A blank page, closed after the test. */
  async newPage(): Promise<Page> {
    const page = await this.browser.newPage();
    page.setDefaultTimeout(pageTimeoutMs);
    this.#pages.push(page);
    return page;
  }

  /** Opens a page with one player; its media events are collected in `window.seen`. */
  async open(options: PlayerPageOptions): Promise<PlayerPage> {
    const { attributes, widthPx = 640, colorScheme = 'dark', browser = this.browser } = options;
    this.site.setPage('/page', pageOf(attributes, widthPx), options.headers);
    const page = await browser.newPage({
      viewport: { width: Math.max(widthPx, 320), height: 600 },
      colorScheme,
    });
    this.#pages.push(page);
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(error.message));
    page.setDefaultTimeout(pageTimeoutMs);
    if (options.initScript) await page.addInitScript(options.initScript);
    await page.goto(`${this.site.url}/page`);
    return { page, problems };
  }

  async closePages(): Promise<void> {
    await Promise.all(this.#pages.map((page) => page.close()));
    this.#pages = [];
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.site.close();
  }
}

/** A Chromium of its own, for a test that needs other rules about autoplay or may harm it. */
export async function launch(autoplayPolicy = 'no-user-gesture-required'): Promise<Browser> {
  return await chromium.launch({
    executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
    args: ['--no-sandbox', `--autoplay-policy=${autoplayPolicy}`],
  });
}

function pageOf(attributes: string, widthPx: number): string {
  return `<!doctype html><html lang="en"><title>player</title><body style="margin:0">
    <script src="/player/shoal.js"></script>
    <script>
      window.seen = [];
      for (const type of ['loadstart', 'loadedmetadata', 'play', 'playing', 'pause', 'volumechange',
        'seeked', 'timeupdate', 'ended', 'waiting', 'shoal-stats', 'shoal-consent'])
        addEventListener(type, (event) => window.seen.push(event.type), true);
    </script>
    <input id="text" value="" aria-label="Text">
    <shoal-player style="width:${widthPx}px" ${attributes}></shoal-player>`;
}

/** Until the player's position is beyond `seconds`. */
export async function untilPosition(page: Page, seconds: number): Promise<void> {
  await page.waitForFunction(
    (atLeast) => (document.querySelector('shoal-player')?.currentTime ?? 0) > atLeast,
    seconds,
  );
}

/** Until the picture has moved on by this much from where it is now. */
export async function untilPlayedMore(page: Page, seconds: number): Promise<void> {
  const now = await page.evaluate(() => document.querySelector('shoal-player')?.currentTime ?? 0);
  await untilPosition(page, now + seconds);
}
