// A page that makes a player, lets it play and destroys it, as often as it is told, and what the page holds
// on to afterwards. For the test that nothing is left behind and the benchmark that says how much is.

import type { BrowserContext, Page } from 'playwright-core';
import { type PageHoldings, PageLeaks } from './page-leaks.ts';
import { pollUntil } from './poll-until.ts';

/** Connections that are still being made when their player is destroyed take a moment to end. */
const restingTimeoutMs = 30_000;

export interface CyclesPageOptions {
  /** hls.js as a module. */
  readonly hlsUrl: string;
  /** Shoal's plugin as a module; without it hls.js plays alone. */
  readonly plugin: { readonly url: string; readonly trackerUrl: string } | null;
  readonly playlistUrl: string;
  /** Of each player, once it plays and, with the plugin, has met somebody. */
  readonly playedMs: number;
}

declare global {
  interface Window {
    playOnce: () => Promise<void>;
  }
}

/** The page's HTML. */
export function pageOfCycles({ hlsUrl, plugin, playlistUrl, playedMs }: CyclesPageOptions): string {
  const made = plugin
    ? `createShoalHls(Hls, { shoal: { tracker: '${plugin.trackerUrl}' } })`
    : 'new Hls()';
  return `<!doctype html><title>cycles</title><div></div>
    <script type="module">
      import Hls from '${hlsUrl}';
      ${plugin ? `import { createShoalHls } from '${plugin.url}';` : ''}
      window.playOnce = async () => {
        const video = document.createElement('video');
        video.muted = true;
        document.querySelector('div').append(video);
        const hls = ${made};
        const hasPeers = hls.shoal && new Promise((resolve) =>
          hls.shoal.on('shoal-peers', ({ peerCount }) => peerCount > 0 && resolve()));
        hls.shoal?.on('shoal-stats', () => undefined);
        const isPlaying = new Promise((resolve) => video.addEventListener('playing', resolve));
        hls.on(Hls.Events.MANIFEST_PARSED, () => video.play());
        hls.loadSource('${playlistUrl}');
        hls.attachMedia(video);
        await Promise.all([hasPeers, isPlaying]);
        if (${playedMs} > 0) await new Promise((resolve) => setTimeout(resolve, ${playedMs}));
        hls.destroy();
        video.remove();
      };
    </script>`;
}

export class PlayerCycles {
  readonly page: Page;
  /** Errors that the page did not handle. */
  readonly pageErrors: string[] = [];
  readonly #leaks: PageLeaks;

  private constructor(page: Page, leaks: PageLeaks) {
    this.page = page;
    this.#leaks = leaks;
    page.on('pageerror', (error) => this.pageErrors.push(error.message));
  }

  /** @param url where `pageOfCycles` is served */
  static async open(context: BrowserContext, url: string): Promise<PlayerCycles> {
    const page = await context.newPage();
    const cycles = new PlayerCycles(page, await PageLeaks.watch(page));
    await page.goto(url);
    await page.waitForFunction(() => window.playOnce !== undefined);
    return cycles;
  }

  /** That many players, one after the other. */
  async play(count: number): Promise<void> {
    for (let index = 0; index < count; index += 1)
      await this.page.evaluate(() => window.playOnce());
  }

  /** What is held when nothing is open any more, or when it has been waited for that long enough. */
  async holdings(): Promise<PageHoldings> {
    const deadlineMs = performance.now() + restingTimeoutMs;
    return await pollUntil(
      async () => {
        const now = await this.#leaks.holdings();
        const isResting = now.peerConnections + now.webSockets + now.timers === 0;
        return isResting || performance.now() > deadlineMs ? now : null;
      },
      { timeoutMs: 2 * restingTimeoutMs, description: 'what the page holds', intervalMs: 500 },
    );
  }
}
