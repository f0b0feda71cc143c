// `<shoal-player>` in a real Chromium, on HLS that ffmpeg makes: what a page and a viewer see.
// The swarm has its own tests; here there is no tracker, so everything comes over HTTP.

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { buildForBrowsers } from '../../infra/local/build.ts';
import { HlsSite } from '../support/hls-site.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const timeout = 20_000;
let site: HlsSite;
let browser: Browser;
let pages: Page[] = [];

beforeAll(async () => {
  await buildForBrowsers({ isForced: false });
  site = await HlsSite.start({ folders: { '/player/': path.join(root, 'player/dist') } });
  await site.makeRecording('recording', 12);
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'],
  });
});

afterEach(async () => {
  await Promise.all(pages.map((page) => page.close()));
  pages = [];
});

afterAll(async () => {
  await browser?.close();
  await site?.close();
});

interface OpenPage {
  readonly page: Page;
  readonly problems: readonly string[];
}

/** A page with one player; `problems` collects errors that no code caught. */
async function openPlayer(attributes: string, from = browser): Promise<OpenPage> {
  site.setPage(
    '/page',
    `<!doctype html><title>player</title><body style="margin:0">
     <script src="/player/shoal.js"></script>
     <script>
       window.seen = [];
       for (const type of ['loadstart', 'loadedmetadata', 'play', 'playing', 'pause', 'volumechange',
         'seeked', 'timeupdate', 'ended', 'shoal-stats', 'shoal-consent'])
         addEventListener(type, (event) => window.seen.push(event.type), true);
     </script>
     <input id="text" value="">
     <shoal-player style="width:640px" ${attributes}></shoal-player>`,
  );
  const page = await from.newPage({ viewport: { width: 800, height: 600 } });
  pages.push(page);
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.setDefaultTimeout(timeout);
  await page.goto(`${site.url}/page`);
  return { page, problems };
}

function waitForPlayback(page: Page, seconds: number): Promise<unknown> {
  return page.waitForFunction(
    (atLeast) => (document.querySelector('shoal-player')?.currentTime ?? 0) > atLeast,
    seconds,
  );
}

describe('<shoal-player>', () => {
  it('plays a stream by itself and behaves like a media element', async () => {
    const { page, problems } = await openPlayer(
      'src="/live/recording/index.m3u8" autoplay muted playsinline',
    );
    await waitForPlayback(page, 0.5);
    const state = await page.evaluate(async () => {
      const player = document.querySelector('shoal-player');
      if (player === null) return null;
      player.pause();
      const afterPause = player.paused;
      player.currentTime = 6;
      await new Promise((resolve) => player.addEventListener('seeked', resolve, { once: true }));
      player.volume = 0.25;
      player.muted = false;
      await player.play();
      return {
        afterPause,
        paused: player.paused,
        currentTime: player.currentTime,
        duration: player.duration,
        volume: player.media.volume,
        muted: player.media.muted,
        videoWidth: player.videoWidth,
        readyState: player.readyState,
        bufferedRanges: player.buffered.length,
        playsinline: player.media.hasAttribute('playsinline'),
      };
    });
    expect(state).toMatchObject({
      afterPause: true,
      paused: false,
      volume: 0.25,
      muted: false,
      videoWidth: 640,
      bufferedRanges: 1,
      playsinline: true,
    });
    expect(state?.currentTime).toBeGreaterThanOrEqual(6);
    expect(state?.duration).toBeCloseTo(12, 0);
    expect(state?.readyState).toBeGreaterThanOrEqual(2);
    const seen = await page.evaluate(() => [...new Set<string>(Reflect.get(window, 'seen'))]);
    expect(seen).toEqual(
      expect.arrayContaining([
        'loadedmetadata',
        'play',
        'playing',
        'pause',
        'seeked',
        'timeupdate',
      ]),
    );
    expect(problems).toEqual([]);
  });

  it('tells its statistics as a snapshot and as an event', async () => {
    const { page } = await openPlayer('src="/live/recording/index.m3u8" autoplay muted');
    const stats = await page.evaluate(
      () =>
        new Promise<unknown>((resolve) => {
          const player = document.querySelector('shoal-player');
          player?.addEventListener('shoal-stats', (event) => {
            const detail: unknown = Reflect.get(event, 'detail');
            if (player.stats.cdnBytes > 0) resolve({ detail, offload: player.stats.offloadRatio });
          });
        }),
    );
    expect(stats).toMatchObject({
      offload: 0,
      detail: { peerBytes: 0, uploadedBytes: 0, peerCount: 0, stallCount: 0 },
    });
  });

  it('waits for a broadcast that has not begun, starts by itself and says when it is over', async () => {
    const { page, problems } = await openPlayer(
      'src="/live/late/index.m3u8" autoplay muted controls',
    );
    await page.getByText('The broadcast has not started yet').waitFor();
    const live = await site.startLive('late');
    await waitForPlayback(page, 1);
    expect(await page.getByText('The broadcast has not started yet').isVisible()).toBe(false);
    await page.getByRole('button', { name: 'Playing live' }).waitFor();
    await live.end();
    await page.getByText('The broadcast has ended').waitFor();
    await page.getByRole('button', { name: 'Check again' }).waitFor();
    expect(problems).toEqual([]);
  });

  it('jumps back to the live edge at the press of its badge', async () => {
    const live = await site.startLive('edge');
    const { page } = await openPlayer('src="/live/edge/index.m3u8" autoplay muted controls');
    await waitForPlayback(page, 1);
    const badge = page.getByRole('button', { name: /behind live/ });
    await page.evaluate(() => document.querySelector('shoal-player')?.pause());
    await badge.waitFor();
    await badge.click();
    await page.getByRole('button', { name: 'Playing live' }).waitFor();
    expect(await page.evaluate(() => document.querySelector('shoal-player')?.paused)).toBe(false);
    await live.end();
  });

  it('asks once before anything is shared and remembers the answer', async () => {
    const context = await browser.newContext();
    const attributes = 'src="/live/recording/index.m3u8" p2p="consent" autoplay muted';
    const allowed = (page: Page): Promise<boolean | undefined> =>
      page.evaluate(() => document.querySelector('shoal-player')?.peersAllowed);
    const open = async (): Promise<Page> => {
      const page = await context.newPage();
      page.setDefaultTimeout(timeout);
      await page.goto(`${site.url}/page`);
      await waitForPlayback(page, 0.2);
      return page;
    };
    // Only sets the page; the context below keeps the storage of one viewer.
    await openPlayer(attributes);

    const first = await open();
    await first.getByText('Help to deliver this video?').waitFor();
    expect(await allowed(first)).toBe(false);
    await first.getByRole('button', { name: 'Allow' }).click();
    await first.getByText('Help to deliver this video?').waitFor({ state: 'hidden' });
    expect(await allowed(first)).toBe(true);
    expect(await first.evaluate(() => Reflect.get(window, 'seen'))).toContain('shoal-consent');

    const second = await open();
    expect(await second.getByText('Help to deliver this video?').isVisible()).toBe(false);
    expect(await allowed(second)).toBe(true);
    await second.evaluate(() => document.querySelector('shoal-player')?.allowPeers(false));

    const third = await open();
    expect(await third.getByText('Help to deliver this video?').isVisible()).toBe(false);
    expect(await allowed(third)).toBe(false);
    await context.close();
  });

  it('shows and hides who delivers at the press of s, but not while somebody types', async () => {
    const { page } = await openPlayer('src="/live/recording/index.m3u8" autoplay muted');
    const overlay = page.getByRole('region', { name: 'Delivery statistics' });
    await page.locator('shoal-player').hover();
    await page.keyboard.press('s');
    await overlay.waitFor();
    await page.getByText('from viewers').waitFor();
    await page.locator('#text').click();
    await page.locator('shoal-player').hover();
    await page.keyboard.press('s');
    expect(await page.locator('#text').inputValue()).toBe('s');
    expect(await overlay.isVisible()).toBe(true);
    await page.getByRole('button', { name: 'Hide delivery statistics' }).click();
    await overlay.waitFor({ state: 'hidden' });
    expect(await page.locator('shoal-player').getAttribute('overlay')).toBeNull();
  });

  it('plays muted and offers the sound where the browser refuses to begin with it', async () => {
    const strict = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: ['--no-sandbox', '--autoplay-policy=document-user-activation-required'],
    });
    try {
      const { page } = await openPlayer(
        'src="/live/recording/index.m3u8" autoplay controls',
        strict,
      );
      await waitForPlayback(page, 0.3);
      const isMuted = (): Promise<boolean | undefined> =>
        page.evaluate(() => document.querySelector('shoal-player')?.muted);
      expect(await isMuted()).toBe(true);
      await page.getByRole('button', { name: 'Tap to unmute' }).click();
      expect(await isMuted()).toBe(false);
      await page.getByRole('button', { name: 'Tap to unmute' }).waitFor({ state: 'hidden' });
    } finally {
      await strict.close();
    }
  });

  it('loads nothing with preload="none" before somebody plays, and lets go when it is removed', async () => {
    const { page, problems } = await openPlayer(
      'src="/live/recording/index.m3u8" preload="none" muted',
    );
    const requests: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    await page.reload();
    expect(requests.filter((url) => url.includes('/live/'))).toEqual([]);
    await page.evaluate(() => document.querySelector('shoal-player')?.play());
    await waitForPlayback(page, 0.3);
    const isIdle = await page.evaluate(async () => {
      const player = document.querySelector('shoal-player');
      player?.remove();
      await new Promise((resolve) => setTimeout(resolve));
      return player?.playbackState.kind === 'idle' && player.media.buffered.length === 0;
    });
    expect(isIdle).toBe(true);
    expect(problems).toEqual([]);
  });
});
