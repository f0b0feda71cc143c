// What `<shoal-player>` does when something comes in between, in a real Chromium: no network, a
// server in trouble, a sleeping machine, browsers without MSE.

import type { Browser, CDPSession, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { violationsInSchemes } from '../support/axe.ts';
import { launch, PlayerPages, untilPlayedMore, untilPosition } from '../support/player-page.ts';

/** Long enough that hls.js alone would not jump: the old position is still in the playlist. */
const windowSegments = 60;
let pages: PlayerPages;

beforeAll(async () => {
  pages = await PlayerPages.start();
  await pages.site.makeRecording('recording', 12);
  await pages.site.startLive('show', { windowSegments });
});

afterEach(() => pages.closePages());
afterAll(() => pages?.close());

const show = 'src="/live/show/index.m3u8" autoplay muted controls';
const playingLive = (page: Page): Promise<void> =>
  page.getByRole('button', { name: 'Playing live' }).waitFor();

describe('<shoal-player>', () => {
  it('says that it is offline, and goes on live when the network is back', async () => {
    const { page, problems } = await pages.open({ attributes: show });
    await untilPosition(page, 1);
    await page.context().setOffline(true);
    await page.getByText('You are offline').waitFor();
    expect(await violationsInSchemes(page, 'offline', 'shoal-player')).toEqual([]);
    await page.context().setOffline(false);
    await page.getByText('You are offline').waitFor({ state: 'hidden' });
    await untilPlayedMore(page, 1);
    await playingLive(page);
    expect(problems).toEqual([]);
  });

  it('says that the connection is lost while the server is in trouble, and recovers', async () => {
    const { page, problems } = await pages.open({ attributes: show });
    await untilPosition(page, 1);
    pages.site.setFault('/live/show/', 503);
    await page.getByText('Connection lost').waitFor({ timeout: 40_000 });
    expect(await violationsInSchemes(page, 'reconnecting', 'shoal-player')).toEqual([]);
    pages.site.setFault('/live/show/', null);
    await page.getByText('Connection lost').waitFor({ state: 'hidden' });
    await untilPlayedMore(page, 1);
    expect(problems).toEqual([]);
  });

  it('says what to do about a stream that is refused, and tries again at a press', async () => {
    pages.site.setFault('/live/recording/', 403);
    const { page } = await pages.open({
      attributes: 'src="/live/recording/index.m3u8" autoplay muted controls',
    });
    await page.getByText('This stream is not open to you').waitFor();
    await page.getByText('ask for a new one').waitFor();
    expect(await violationsInSchemes(page, 'error', 'shoal-player')).toEqual([]);
    pages.site.setFault('/live/recording/', null);
    await page.getByRole('button', { name: 'Try again' }).click();
    await untilPosition(page, 0.3);
  });

  it('is live again after a sleep, but leaves a viewer who went back where they are', async () => {
    const browser = await launch();
    try {
      const { page: live } = await pages.open({ attributes: show, browser });
      await untilPosition(live, 2);
      await playingLive(live);
      const { page: behind } = await pages.open({ attributes: show, browser });
      await untilPosition(behind, 2);
      await behind.evaluate(() => {
        const player = document.querySelector('shoal-player');
        if (player) player.currentTime = player.liveEdgeStart - 10;
      });
      await behind.getByRole('button', { name: /behind live/ }).waitFor();
      await sleepFor(browser, 10_000);
      await untilPlayedMore(live, 1);
      await playingLive(live);
      await untilPlayedMore(behind, 1);
      await behind.getByRole('button', { name: /behind live/ }).waitFor();
    } finally {
      await browser.close();
    }
  });

  it('uses a managed media source where that is what there is', async () => {
    const { page, problems } = await pages.open({
      attributes: 'src="/live/recording/index.m3u8" autoplay muted',
      // As on iPhones: no MediaSource, but one that says when it wants data.
      initScript: () => {
        const Original = window.MediaSource;
        class ManagedMediaSource extends Original {
          readonly streaming = true;
        }
        Object.assign(window, { ManagedMediaSource });
        Reflect.deleteProperty(window, 'MediaSource');
        Reflect.deleteProperty(window, 'WebKitMediaSource');
      },
    });
    await untilPosition(page, 0.3);
    const media = await page.evaluate(() => {
      const player = document.querySelector('shoal-player');
      return [player?.media.disableRemotePlayback, (player?.stats.cdnBytes ?? 0) > 0];
    });
    expect(media).toEqual([true, true]);
    expect(problems).toEqual([]);
  });

  it('says that nothing is shared where the browser has no WebRTC', async () => {
    const { page, problems } = await pages.open({
      attributes: `${show} overlay tracker="wss://tracker.invalid"`,
      initScript: () => {
        Reflect.deleteProperty(window, 'RTCPeerConnection');
      },
    });
    await untilPosition(page, 1);
    await page.getByText('sharing is off').waitFor();
    await page.getByText('no viewers yet').waitFor({ state: 'detached' });
    expect(await page.getByRole('checkbox').count()).toBe(0);
    expect(problems).toEqual([]);
  });

  it('plays by the browser’s own HLS where there is no MSE, from the CDN alone', async () => {
    const { page, problems } = await pages.open({
      attributes: 'src="/live/recording/index.m3u8" autoplay muted controls p2p="consent" overlay',
      initScript: () => {
        for (const name of ['MediaSource', 'WebKitMediaSource', 'ManagedMediaSource']) {
          Reflect.deleteProperty(window, name);
        }
      },
    });
    await untilPosition(page, 0.5);
    expect(
      await page.evaluate(() => document.querySelector('shoal-player')?.playbackState.kind),
    ).toBe('active');
    // Nothing can be shared: nothing is asked.
    expect(await page.getByText('Help to deliver this video?').isVisible()).toBe(false);
    await page.locator('shoal-player').hover();
    await page.getByRole('button', { name: 'pause' }).click();
    expect(await page.evaluate(() => document.querySelector('shoal-player')?.paused)).toBe(true);
    expect(problems).toEqual([]);
  });
});

/** Stops the processes of a browser's pages for a while, as a sleeping machine does. */
async function sleepFor(browser: Browser, durationMs: number): Promise<void> {
  const session: CDPSession = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  const renderers = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id);
  await session.detach();
  expect(renderers.length).toBeGreaterThan(0);
  for (const id of renderers) process.kill(id, 'SIGSTOP');
  try {
    await new Promise((resolve) => setTimeout(resolve, durationMs));
  } finally {
    for (const id of renderers) process.kill(id, 'SIGCONT');
  }
}
