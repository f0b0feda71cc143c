// `<shoal-player>` in a real Chromium, on HLS that ffmpeg makes: what a page and a viewer see.
// The swarm has its own tests; here there is no tracker, so everything comes over HTTP.

import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { violationsInSchemes } from '../support/axe.ts';
import {
  launch,
  type PlayerPage,
  PlayerPages,
  pageTimeoutMs,
  untilPosition,
} from '../support/player-page.ts';

let pages: PlayerPages;

beforeAll(async () => {
  pages = await PlayerPages.start();
  await pages.site.makeRecording('recording', 12);
});

afterEach(() => pages.closePages());
afterAll(() => pages?.close());

const openPlayer = (attributes: string): Promise<PlayerPage> => pages.open({ attributes });

describe('<shoal-player>', () => {
  it('plays a stream by itself and behaves like a media element', async () => {
    const { page, problems } = await openPlayer(
      'src="/live/recording/index.m3u8" autoplay muted playsinline',
    );
    await untilPosition(page, 0.5);
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
    const live = await pages.site.startLive('late');
    await untilPosition(page, 1);
    expect(await page.getByText('The broadcast has not started yet').isVisible()).toBe(false);
    await page.getByRole('button', { name: 'Playing live' }).waitFor();
    await live.end();
    await page.getByText('The broadcast has ended').waitFor();
    expect(await violationsInSchemes(page, 'ended', 'shoal-player')).toEqual([]);
    await page.getByRole('button', { name: 'Check again' }).waitFor();
    expect(problems).toEqual([]);
  });

  it('asks once before anything is shared and remembers the answer', async () => {
    const context = await pages.browser.newContext();
    const attributes = 'src="/live/recording/index.m3u8" p2p="consent" autoplay muted';
    const allowed = (page: Page): Promise<boolean | undefined> =>
      page.evaluate(() => document.querySelector('shoal-player')?.peersAllowed);
    const open = async (): Promise<Page> => {
      const page = await context.newPage();
      page.setDefaultTimeout(pageTimeoutMs);
      await page.goto(`${pages.site.url}/page`);
      await untilPosition(page, 0.2);
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
    const strict = await launch('document-user-activation-required');
    try {
      const { page } = await pages.open({
        attributes: 'src="/live/recording/index.m3u8" autoplay controls',
        browser: strict,
      });
      await untilPosition(page, 0.3);
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
    await untilPosition(page, 0.3);
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
