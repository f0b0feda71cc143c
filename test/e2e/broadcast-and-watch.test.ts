// The main job in real browsers: one broadcasts its camera from the page at /, three watch, most
// bytes come from each other, and then the tracker dies.

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrowserViewer } from '../support/browser-viewer.ts';
import { launchChromium } from '../support/chromium.ts';
import { pollUntil } from '../support/poll-until.ts';
import { Services } from '../support/service-processes.ts';

const stream = 'studio';
const key = 'end-to-end-key';
let browser: Browser;
let services: Services;

beforeAll(async () => {
  browser = await launchChromium();
  // Two cores carry the broadcaster, the encoder and the viewers together: a small ladder.
  services = await Services.start({ streamKeys: `${stream}:${key}`, ladder: '360p,240p' });
});

afterAll(async () => {
  await browser?.close();
  await services?.stop();
});

async function broadcast(): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 480, height: 320 } });
  await context.addInitScript(haveSmallCamera);
  const page = await context.newPage();
  await page.goto(`${services.ingestUrl}/`);
  await page.fill('#stream', stream);
  await page.fill('#key', key);
  await page.click('#camera');
  await page.click('#start');
  await page.waitForSelector('#state[data-state="live"]', { timeout: 20_000 });
  await pollUntil(async () => (await fetch(`${services.ingestUrl}/live/${stream}/index.m3u8`)).ok, {
    timeoutMs: 30_000,
    description: 'the broadcast has a playlist',
  });
  return page;
}

/**
 * Runs in the page. With the 720p that it asks for, this test takes .80 of two cores instead of .65; a
 * broadcast at that size is in pages.test.ts.
 */
function haveSmallCamera(): void {
  const { mediaDevices } = navigator;
  const getUserMedia = mediaDevices.getUserMedia.bind(mediaDevices);
  mediaDevices.getUserMedia = (constraints) => {
    const video = constraints?.video;
    const small = { width: 640, height: 360, frameRate: 20 };
    return getUserMedia({ ...constraints, ...(video ? { video: small } : {}) });
  };
}

function watch(): Promise<BrowserViewer> {
  return BrowserViewer.open(browser, `${services.ingestUrl}/watch/${stream}`);
}

/** Until each viewer has played this much more; a picture that stands still ends the test. */
async function untilPlayed(viewers: readonly BrowserViewer[], seconds: number): Promise<void> {
  const starts = await Promise.all(viewers.map((viewer) => viewer.media()));
  for (const [index, viewer] of viewers.entries()) {
    const goal = (starts[index]?.positionSeconds ?? 0) + seconds;
    await pollUntil(async () => (await viewer.media()).positionSeconds >= goal, {
      timeoutMs: seconds * 1_000 + 30_000,
      description: `viewer ${index + 1} plays ${seconds} s more`,
      intervalMs: 500,
    });
  }
}

interface Totals {
  readonly cdnBytes: number;
  readonly peerBytes: number;
  readonly discardedBytes: number;
  readonly starvedCount: number;
  readonly originBytes: number;
}

async function totals(viewers: readonly BrowserViewer[]): Promise<Totals> {
  const stats = await Promise.all(viewers.map((viewer) => viewer.stats()));
  const starved = await Promise.all(viewers.map((viewer) => viewer.starvedCount()));
  const sum = (name: 'cdnBytes' | 'peerBytes' | 'discardedBytes'): number =>
    stats.reduce((total, each) => total + each[name], 0);
  return {
    cdnBytes: sum('cdnBytes'),
    peerBytes: sum('peerBytes'),
    discardedBytes: sum('discardedBytes'),
    starvedCount: starved.reduce((total, count) => total + count, 0),
    originBytes: await services.originEgressBytes(stream),
  };
}

describe('a broadcast from the browser', () => {
  let publisher: Page;
  let viewers: BrowserViewer[] = [];

  beforeAll(async () => {
    publisher = await broadcast();
    for (let index = 0; index < 3; index += 1) viewers.push(await watch());
    await Promise.all(viewers.map((viewer) => viewer.untilPlaying(60_000)));
  });

  afterAll(async () => {
    for (const viewer of viewers) await viewer.close();
    viewers = [];
    await publisher?.click('#stop');
    await publisher?.context().close();
  });

  it('is watched with a moving picture and with sound', async () => {
    const before = await Promise.all(viewers.map((viewer) => viewer.media()));
    await untilPlayed(viewers, 3);
    const after = await Promise.all(viewers.map((viewer) => viewer.media()));
    for (const [index, media] of after.entries()) {
      expect(media.picture).not.toBe('');
      expect(media.picture).not.toBe(before[index]?.picture);
      expect(media.decodedAudioBytes).toBeGreaterThan(before[index]?.decodedAudioBytes ?? 0);
    }
  });

  it('comes to its viewers mostly from each other, by their count and by the origin’s', async () => {
    await pollUntil(
      async () => {
        const stats = await Promise.all(viewers.map((viewer) => viewer.stats()));
        return (
          stats.every(({ peerCount }) => peerCount >= 2) &&
          new Set(stats.map(({ rendition }) => rendition)).size === 1
        );
      },
      {
        timeoutMs: 60_000,
        description: 'all viewers are connected in one rendition',
        intervalMs: 500,
      },
    );
    await untilPlayed(viewers, 6);
    const before = await totals(viewers);
    await untilPlayed(viewers, 30);
    const after = await totals(viewers);
    const cdnBytes = after.cdnBytes - before.cdnBytes;
    const peerBytes = after.peerBytes - before.peerBytes;
    const originBytes = after.originBytes - before.originBytes;
    // A starved machine would turn every scheme into a stampede to the CDN.
    expect(after.starvedCount - before.starvedCount).toBe(0);
    expect(peerBytes / (peerBytes + cdnBytes)).toBeGreaterThanOrEqual(0.5);
    expect(1 - originBytes / (peerBytes + cdnBytes)).toBeGreaterThanOrEqual(0.5);
  });

  it('is counted on the dashboard', async () => {
    const savings = await pollUntil(
      async () => {
        const response = await fetch(
          `${services.trackerUrl}/api/v1/savings?stream=${stream}&windowSeconds=60`,
        );
        const summary = await response.json();
        return summary.viewers === 3 ? summary : null;
      },
      { timeoutMs: 20_000, description: 'the tracker counts three viewers' },
    );
    expect(savings.offloadRatio).toBeGreaterThan(0.4);
    expect(savings.savedBytes).toBe(savings.peerBytes);
    const page = await (await browser.newContext()).newPage();
    await page.goto(`${services.trackerUrl}/?stream=${stream}`);
    await pollUntil(
      () =>
        page
          .locator('.swarm .node.viewer')
          .count()
          .then((n) => n === 3),
      {
        timeoutMs: 20_000,
        description: 'the dashboard draws three viewers',
      },
    );
    // A report may fall between two segments, and then nothing has flowed.
    await pollUntil(
      () =>
        page
          .locator('.swarm .arrow.peer')
          .count()
          .then((n) => n > 0),
      {
        timeoutMs: 30_000,
        description: 'the dashboard draws what flows between viewers',
      },
    );
    await page.context().close();
  });

  it('goes on for 20 s without a stall when the tracker is killed', async () => {
    await services.tracker.kill();
    const before = await totals(viewers);
    await untilPlayed(viewers, 20);
    const after = await totals(viewers);
    expect(after.starvedCount).toBe(before.starvedCount);
    for (const viewer of viewers) expect(viewer.pageErrors).toEqual([]);
  });
});
