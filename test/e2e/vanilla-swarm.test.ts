// Pages with p2p-media-loader's own plugin meet in Shoal's tracker, play Shoal's streams and
// exchange segments, with each other and with Shoal's player in its mode `p2p-media-loader`.

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { SyntheticBroadcaster } from '../../infra/demo/broadcaster.ts';
import { launchChromium } from '../support/chromium.ts';
import { DeliveryViewer } from '../support/delivery-viewer.ts';
import { PageSite } from '../support/page-site.ts';
import { pollUntil } from '../support/poll-until.ts';
import { Services } from '../support/service-processes.ts';

const stream = 'vanilla';
const key = 'end-to-end-key';

let services: Services;
let broadcaster: SyntheticBroadcaster;
let browser: Browser;
let site: PageSite;
let shoalSite: PageSite;
const pages: Page[] = [];

async function openPage(): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await page.goto(
    site.url({
      playlist: `${services.ingestUrl}/live/${stream}/index.m3u8`,
      tracker: services.trackerUrl.replace('http', 'ws'),
    }),
  );
  return page;
}

async function listedSegmentCount(): Promise<number> {
  const response = await fetch(`${services.ingestUrl}/live/${stream}/240p/index.m3u8`);
  return response.ok ? ((await response.text()).match(/#EXTINF/g)?.length ?? 0) : 0;
}

beforeAll(async () => {
  services = await Services.start({ streamKeys: `${stream}:${key}`, ladder: '240p' });
  broadcaster = await SyntheticBroadcaster.start({
    whipUrl: `${services.ingestUrl}/whip/${stream}`,
    key,
    ffmpegPath: 'ffmpeg',
    widthPx: 426,
    heightPx: 240,
  });
  // A page that joins earlier starts at the edge instead of four segments behind it, stays there,
  // and has no time left in which a peer could deliver.
  await pollUntil(async () => (await listedSegmentCount()) >= 6, {
    timeoutMs: 60_000,
    description: 'six segments are listed',
    intervalMs: 250,
  });
  site = await PageSite.start(new URL('../support/vanilla-page.ts', import.meta.url));
  shoalSite = await PageSite.start(new URL('../support/delivery-page.ts', import.meta.url));
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
  await site?.close();
  await shoalSite?.close();
  await broadcaster?.close('test ended');
  await services?.stop();
});

describe('pages with p2p-media-loader’s own plugin', () => {
  it('meet in our tracker and exchange segments of our stream', async () => {
    pages.push(await openPage(), await openPage());
    await pollUntil(
      async () => {
        const counters = await Promise.all(
          pages.map((page) => page.evaluate(() => window.vanilla)),
        );
        return (
          counters.every(({ peers }) => peers > 0) &&
          counters.some(({ peerBytes }) => peerBytes > 0)
        );
      },
      {
        timeoutMs: 90_000,
        description: 'the pages are connected and one has got bytes',
        intervalMs: 500,
      },
    );
    for (const page of pages) {
      await pollUntil(
        () => page.evaluate(() => (document.querySelector('video')?.currentTime ?? 0) > 0),
        {
          timeoutMs: 30_000,
          description: 'the page plays',
          intervalMs: 250,
        },
      );
    }
  });

  it('meet Shoal’s player in its mode for them, and get segments from it and it from them', async () => {
    const viewer = await DeliveryViewer.open(browser, shoalSite, {
      playlistUrl: `${services.ingestUrl}/live/${stream}/index.m3u8`,
      trackerUrl: services.trackerUrl.replace('http', 'ws'),
      exchange: 'p2p-media-loader',
      config: { liveSyncDurationCount: 4 },
    });
    await pollUntil(async () => ((await viewer.report()).stats?.peerBytes ?? 0) > 0, {
      timeoutMs: 90_000,
      description: 'Shoal’s player has got a segment from a page with p2p-media-loader',
      intervalMs: 500,
    });
    await pollUntil(
      async () => {
        const counters = await Promise.all(
          pages.map((page) => page.evaluate(() => window.vanilla)),
        );
        return counters.some(({ bytesOf }) =>
          Object.keys(bytesOf).some((peerId) => peerId.startsWith('-SH')),
        );
      },
      {
        timeoutMs: 90_000,
        description: 'a page with p2p-media-loader has got bytes from Shoal’s player',
        intervalMs: 500,
      },
    );
  });
});
