// A peer whose every segment is wrong, among real browsers: nothing of it reaches a media buffer,
// what it sent is discarded, and the picture goes on.

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SyntheticBroadcaster } from '../../infra/demo/broadcaster.ts';
import { HeadlessViewer } from '../../infra/demo/headless-viewer.ts';
import { BrowserViewer } from '../support/browser-viewer.ts';
import { launchChromium } from '../support/chromium.ts';
import { CorruptedServing, corruptionMark } from '../support/corrupting-viewer.ts';
import { pollUntil } from '../support/poll-until.ts';
import { Services } from '../support/service-processes.ts';

const stream = 'polluted';
const key = 'end-to-end-key';

let services: Services;
let broadcaster: SyntheticBroadcaster;
let browser: Browser;
let liar: HeadlessViewer;
const lies = new CorruptedServing();

beforeAll(async () => {
  services = await Services.start({ streamKeys: `${stream}:${key}`, ladder: '360p' });
  broadcaster = await SyntheticBroadcaster.start({
    whipUrl: `${services.ingestUrl}/whip/${stream}`,
    key,
    ffmpegPath: 'ffmpeg',
    widthPx: 640,
    heightPx: 360,
  });
  const playlistUrl = `${services.ingestUrl}/live/${stream}/index.m3u8`;
  await pollUntil(async () => (await fetch(playlistUrl)).ok, {
    timeoutMs: 30_000,
    description: 'the playlist is there',
  });
  liar = HeadlessViewer.start({
    playlistUrl,
    trackerUrl: services.trackerUrl,
    serve: lies.serve,
  });
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
  await liar?.close();
  await broadcaster?.close('test ended');
  await services?.stop();
});

describe('a peer that serves corrupted segments', () => {
  it('has none of its bytes in anybody’s media buffer, and nobody stalls', async () => {
    const watchUrl = `${services.ingestUrl}/watch/${stream}`;
    const viewers = [
      await BrowserViewer.open(browser, watchUrl, corruptionMark),
      await BrowserViewer.open(browser, watchUrl, corruptionMark),
    ];
    await Promise.all(viewers.map((viewer) => viewer.untilPlaying(60_000)));
    await pollUntil(
      async () => {
        const stats = await Promise.all(viewers.map((viewer) => viewer.stats()));
        return stats.some(({ discardedBytes }) => discardedBytes > 0) && lies.servedCount > 0;
      },
      {
        timeoutMs: 90_000,
        description: 'the liar has served a viewer, who has thrown it away',
        intervalMs: 500,
      },
    );
    const positions = await Promise.all(viewers.map((viewer) => viewer.media()));
    for (const [index, viewer] of viewers.entries()) {
      const goal = (positions[index]?.positionSeconds ?? 0) + 10;
      await pollUntil(async () => (await viewer.media()).positionSeconds >= goal, {
        timeoutMs: 40_000,
        description: 'playback goes on',
        intervalMs: 500,
      });
      const { count, marked } = await viewer.appends();
      expect(count).toBeGreaterThan(4);
      expect(marked).toBe(0);
      expect(await viewer.starvedCount()).toBe(0);
    }
  });

  it('would be noticed by this test if its bytes were appended', async () => {
    const viewer = await BrowserViewer.open(
      browser,
      `${services.ingestUrl}/watch/${stream}`,
      corruptionMark,
    );
    await viewer.page.evaluate((mark) => {
      try {
        SourceBuffer.prototype.appendBuffer.call(
          {} as SourceBuffer,
          new TextEncoder().encode(`xx${mark}xx`),
        );
      } catch {
        // There is no real SourceBuffer here: the watch came before the refusal.
      }
    }, corruptionMark);
    expect((await viewer.appends()).marked).toBe(1);
    await viewer.close();
  });
});
