// hls.js in a real browser on Shoal's delivery, with real media: quality changes, seeks, an audio
// group, discontinuities, chunks, aborts and what ABR makes of it all. player/delivery/hls.

import { Tracker } from '@shoal/tracker';
import { pino } from 'pino';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { HeadlessViewer } from '../../infra/demo/headless-viewer.ts';
import { launchChromium } from '../support/chromium.ts';
import {
  type DeliveryReport,
  DeliveryViewer,
  type DeliveryViewerOptions,
} from '../support/delivery-viewer.ts';
import { PageSite } from '../support/page-site.ts';
import { pollUntil } from '../support/poll-until.ts';
import {
  RecordedLiveOrigin,
  type RecordedLiveOriginOptions,
} from '../support/recorded-live-origin.ts';
import { type RecordedTrack, recordMedia } from '../support/recorded-media.ts';

const segmentSeconds = 2;
let browser: Browser;
let site: PageSite;
let tracker: Tracker;
let tracks: RecordedTrack[];
const opened: { close(): Promise<unknown> }[] = [];

beforeAll(async () => {
  browser = await launchChromium();
  site = await PageSite.start(new URL('../support/delivery-page.ts', import.meta.url));
  tracker = await Tracker.start({
    host: '127.0.0.1',
    port: 0,
    store: { kind: 'memory' },
    logger: pino({ level: 'silent' }),
  });
  tracks = await recordMedia({
    renditions: [
      {
        name: '360p',
        video: { widthPx: 640, heightPx: 360, bitrateBps: 2_400_000 },
        hasSound: false,
      },
      {
        name: '180p',
        video: { widthPx: 320, heightPx: 180, bitrateBps: 400_000 },
        hasSound: false,
      },
      { name: '90p', video: { widthPx: 160, heightPx: 90, bitrateBps: 150_000 }, hasSound: false },
      { name: 'audio', hasSound: true },
    ],
    segmentSeconds,
    fragmentSeconds: 0.5,
    encodingSeconds: [40, 80],
  });
});

afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close();
});

afterAll(async () => {
  await browser?.close();
  await site?.close();
  await tracker?.close('test ended');
});

async function startOrigin(
  options: Partial<RecordedLiveOriginOptions> = {},
): Promise<RecordedLiveOrigin> {
  const origin = await RecordedLiveOrigin.start({ tracks, segmentSeconds, ...options });
  opened.push(origin);
  return origin;
}

async function open(
  origin: RecordedLiveOrigin,
  options: Partial<DeliveryViewerOptions> = {},
): Promise<DeliveryViewer> {
  const viewer = await DeliveryViewer.open(browser, site, {
    playlistUrl: origin.playlistUrl,
    ...options,
  });
  opened.push(viewer);
  return viewer;
}

function expectSound(report: DeliveryReport): void {
  expect(report.unhandled).toEqual([]);
  expect(report.errors.filter(({ isFatal }) => isFatal)).toEqual([]);
  // Every stream here has sound, apart from the pictures.
  expect(report.soundBytes).toBeGreaterThan(0);
}

/** hls.js's levels of the fragments with pictures, in their order. */
function levelsOf(fragments: DeliveryReport['fragments']): number[] {
  return fragments
    .filter(({ type }) => type === 'main')
    .map(({ url }) => ['90p', '180p', '360p'].findIndex((name) => url.includes(`/${name}/`)));
}

function pathOf(url: string): string {
  return new URL(url).pathname;
}

describe('a viewer on its own', () => {
  it('never fetches again what is here when the quality changes back and forth', async () => {
    const origin = await startOrigin();
    const viewer = await open(origin, { config: { startLevel: 2 } });
    await viewer.untilPlayed(1);
    const needless: string[] = [];
    for (let change = 0; change < 6; change += 1) {
      // What a change breaks off is not here and may be asked for again; what hls.js has had is.
      const here = new Set((await viewer.report()).fragments.map(({ url }) => pathOf(url)));
      const requestCount = origin.requests.length;
      // Throws the buffer away and asks for the same times in the other quality at once.
      await viewer.page.evaluate(
        (level) => {
          window.delivery.hls.currentLevel = level;
        },
        1 + (change % 2),
      );
      await viewer.untilPlayed(0.5);
      needless.push(
        ...origin.requests
          .slice(requestCount)
          .filter((url) => url.endsWith('.m4s') && here.has(url)),
      );
    }
    const segments = origin.requests.filter((url) => url.endsWith('.m4s'));
    expect(new Set(segments.map((url) => url.split('/').at(-2)))).toEqual(
      new Set(['360p', '180p', 'audio']),
    );
    expect(needless).toEqual([]);
    expectSound(await viewer.report());
  });

  it('plays on after 50 seeks in the DVR window, some of them before the last has ended', async () => {
    const origin = await startOrigin({ initialSegments: 36, windowSegments: 30 });
    const viewer = await open(origin, { build: '1.6' });
    await viewer.untilPlayed(0.5);
    await viewer.page.evaluate(async () => {
      const { video } = window.delivery;
      for (let seek = 0; seek < 50; seek += 1) {
        const from = video.seekable.start(0);
        const to = video.seekable.end(0) - 6;
        // Multiples of the golden ratio: all over the window, the same in each run.
        video.currentTime = from + ((seek * 0.618034) % 1) * (to - from);
        const untilMs = performance.now() + 20 * (seek % 10);
        while (video.seeking && performance.now() < untilMs)
          await new Promise((resolve) => setTimeout(resolve, 10));
      }
    });
    await viewer.untilPlayed(2);
    expectSound(await viewer.report());
  });

  it('steps down from a quality that ends while the stream goes on, and ends with the stream', async () => {
    const origin = await startOrigin();
    const config = { startLevel: 2 };
    const viewers = [
      await open(origin, { config }),
      await open(origin, { build: '1.6', config }),
      // The sound is joined to the pictures of each level.
      await open(origin, { build: 'light', config }),
    ];
    const headlessSegments: string[] = [];
    const headless = HeadlessViewer.start({
      ...{ playlistUrl: origin.playlistUrl, trackerUrl: null, telemetry: false },
      onSegment: ({ url }) => headlessSegments.push(pathOf(url)),
    });
    opened.push(headless);
    await Promise.all(viewers.map((viewer) => viewer.untilPlayed(1)));
    origin.end('360p');
    const endedAt = origin.segmentCount;
    const isBeyond = ({ fragments }: DeliveryReport): boolean =>
      fragments.some(({ type, number }) => type === 'main' && number > endedAt);
    await pollUntil(
      async () => {
        const reports = await Promise.all(viewers.map((viewer) => viewer.report()));
        return reports.every(isBeyond);
      },
      { timeoutMs: 30_000, description: 'all load what comes after the end of the large quality' },
    );
    await pollUntil(
      () => headlessSegments.some((url) => url.endsWith(`/180p/${endedAt + 1}.m4s`)),
      {
        timeoutMs: 30_000,
        description: 'so does a viewer without a screen',
      },
    );
    for (const viewer of viewers) {
      const report = await viewer.report();
      const later = report.fragments.filter(({ number }) => number >= endedAt);
      expect(levelsOf(later)).not.toContain(2);
      expect(await viewer.page.evaluate(() => window.delivery.hls.levels.length)).toBe(2);
      expectSound(report);
    }
    for (const name of ['180p', '90p', 'audio']) origin.end(name);
    for (const { page } of viewers) {
      await pollUntil(() => page.evaluate(() => window.delivery.video.ended), {
        timeoutMs: 30_000,
        description: 'the page has played to the end',
      });
      expect(await page.evaluate(() => window.delivery.hls.levels.length)).toBe(2);
    }
  });

  it('leaves nothing behind when it is destroyed while it loads', async () => {
    const origin = await startOrigin({ responseBps: 2_000_000 });
    const viewer = await open(origin, { trackerUrl: tracker.webSocketUrl });
    await viewer.page.waitForFunction(() => window.delivery !== undefined);
    // Destroyed with a segment on its way, from the CDN by pieces.
    await pollUntil(() => origin.requests.some((url) => url.endsWith('.m4s')), {
      timeoutMs: 10_000,
      description: 'a segment is on its way',
    });
    await viewer.page.evaluate(() => window.delivery.hls.destroy());
    const before = origin.requests.length;
    await pollUntil(() => origin.segmentCount >= 8, {
      timeoutMs: 10_000,
      description: 'the broadcast goes on',
    });
    expect(origin.requests.length).toBe(before);
    expect(await viewer.page.evaluate(() => window.delivery.unhandled)).toEqual([]);
  });

  it.each(['full', 'light', '1.6'] as const)(
    'takes verified chunks while they arrive, where the page has asked hls.js (%s) for it',
    async (build) => {
      const origin = await startOrigin({ responseBps: 6_000_000 });
      const viewer = await open(origin, { build, config: { progressive: true, startLevel: 2 } });
      await viewer.untilPlayed(1);
      const report = await viewer.report();
      const large = report.fragments.filter(({ url }) => url.includes('/360p/'));
      expect(large.length).toBeGreaterThan(0);
      expect(large.every(({ chunkCount }) => chunkCount > 1)).toBe(true);
      expectSound(report);
    },
  );
});

describe('viewers together', () => {
  it('plays through a discontinuity, and serves the quality that it has left', async () => {
    // The 20th segment is of another encoding: six seconds behind the edge it is played soon.
    const origin = await startOrigin({ initialSegments: 18 });
    const options = { trackerUrl: tracker.webSocketUrl, config: { startLevel: 2 } };
    const first = await open(origin, options);
    await first.untilPlayed(3);
    await first.page.evaluate(() => {
      window.delivery.hls.nextLevel = 1;
    });
    await first.untilPlayed(1);
    const second = await open(origin, options);
    await pollUntil(async () => ((await first.report()).stats?.uploadedBytes ?? 0) > 0, {
      timeoutMs: 20_000,
      description: 'the first viewer uploads',
    });
    const discontinuitySeconds = 40;
    await pollUntil(
      async () => {
        const positions = [first, second].map(async (viewer) => await viewer.report());
        const reports = await Promise.all(positions);
        return reports.every(({ fragments }) =>
          fragments.some(({ type, number }) => type === 'main' && number >= 21),
        );
      },
      { timeoutMs: 30_000, description: `both load past ${discontinuitySeconds} s` },
    );
    for (const viewer of [first, second]) {
      await viewer.untilPlayed(3);
      expectSound(await viewer.report());
    }
  });

  it.each([
    // Neighbours on the LAN, and a CDN that cannot bring the better quality.
    { uplinkBps: undefined, responseBps: 1_000_000, progressive: true, level: 1 },
    // Neighbours that hardly deliver, and a CDN that can.
    { uplinkBps: 300_000, responseBps: 8_000_000, progressive: false, level: 2 },
  ])(
    'leaves ABR to the CDN at $responseBps bit/s whatever neighbours do ($uplinkBps, progressive: $progressive), and is forgotten when it goes',
    async ({ uplinkBps, responseBps, progressive, level }) => {
      const origin = await startOrigin({ responseBps });
      const neighbours = Array.from({ length: 2 }, () =>
        HeadlessViewer.start({
          playlistUrl: origin.playlistUrl,
          trackerUrl: tracker.webSocketUrl,
          telemetry: false,
          rendition: level === 1 ? '180p' : '360p',
          uplinkBps,
        }),
      );
      opened.push(...neighbours);
      const viewer = await open(origin, {
        trackerUrl: tracker.webSocketUrl,
        config: { startLevel: level, progressive },
      });
      await viewer.untilPlayed(7);
      const report = await viewer.report();
      expect(report.stats?.peerBytes).toBeGreaterThan(0);
      const estimates = report.fragments
        .filter(({ type }) => type === 'main')
        .slice(1)
        .map(({ estimateBps }) => estimateBps);
      expect(Math.max(...estimates)).toBeLessThan(2 * responseBps);
      expect(Math.min(...estimates)).toBeGreaterThan(responseBps / 2);
      expect(new Set(levelsOf(report.fragments))).toEqual(new Set([level]));
      expectSound(report);
      await viewer.page.goto('about:blank');
      await pollUntil(() => neighbours.every(({ stats }) => stats.peerCount <= 1), {
        // Within a tenth of a second. Who vanishes without a word is missed after 13 s.
        timeoutMs: 8_000,
        description: 'both neighbours forget the page that was left',
      });
    },
  );

  it('leads who joins as a broadcast begins away from the edge, without a stall', async () => {
    // However long pages take to open: both are there as it begins.
    const origin = await startOrigin({ initialSegments: 1, isHeld: true });
    const options = { trackerUrl: tracker.webSocketUrl };
    const viewers = [await open(origin, options), await open(origin, options)];
    await pollUntil(() => origin.heldCount === viewers.length, {
      timeoutMs: 20_000,
      description: 'both pages ask for the stream',
    });
    origin.begin();
    for (const viewer of viewers) {
      await pollUntil(() => viewer.page.evaluate(() => window.delivery.video.playbackRate < 1), {
        timeoutMs: 20_000,
        description: 'the page plays slower',
      });
    }
    const before = await Promise.all(viewers.map((viewer) => viewer.report()));
    await Promise.all(viewers.map((viewer) => viewer.untilPlayed(6)));
    for (const [index, viewer] of viewers.entries()) {
      const report = await viewer.report();
      expect(report.latencySeconds).toBeGreaterThan((before[index]?.latencySeconds ?? 0) + 0.2);
      expect(report.starvedCount).toBe(before[index]?.starvedCount);
      expectSound(report);
    }
  });

  it.each(['shoal', 'p2p-media-loader'] as const)(
    'brings pictures and sound of four pages mostly from each other by %s',
    async (exchange) => {
      const names = ['180p', 'audio'];
      const origin = await startOrigin({
        initialSegments: 10,
        tracks: tracks.filter(({ rendition }) => names.includes(rendition.name)),
      });
      const viewers: DeliveryViewer[] = [];
      for (let index = 0; index < 4; index += 1)
        viewers.push(await open(origin, { trackerUrl: tracker.webSocketUrl, exchange }));
      await pollUntil(
        async () => {
          const reports = await Promise.all(viewers.map((viewer) => viewer.report()));
          return reports.every(({ stats }) => (stats?.peerCount ?? 0) >= 3);
        },
        { timeoutMs: 40_000, description: 'every page is connected with every other' },
      );
      await Promise.all(viewers.map((viewer) => viewer.untilPlayed(2)));
      const before = await countersOf(viewers, origin);
      await Promise.all(viewers.map((viewer) => viewer.untilPlayed(12)));
      const after = await countersOf(viewers, origin);
      const peerBytes = after.peerBytes - before.peerBytes;
      const mediaBytes = peerBytes + after.cdnBytes - before.cdnBytes;
      // The most possible is .75: somebody has to fetch everything once.
      expect(peerBytes / mediaBytes).toBeGreaterThanOrEqual(0.6);
      expect(1 - (after.sentBytes - before.sentBytes) / mediaBytes).toBeGreaterThanOrEqual(0.6);
      for (const viewer of viewers) {
        const report = await viewer.report();
        expect(report.starvedCount).toBe(0);
        expectSound(report);
      }
    },
  );
});

/** What all viewers together were given, and what the origin has sent. */
async function countersOf(viewers: readonly DeliveryViewer[], origin: RecordedLiveOrigin) {
  const counters = { peerBytes: 0, cdnBytes: 0, sentBytes: 0 };
  for (const viewer of viewers) {
    const { stats } = await viewer.report();
    counters.peerBytes += stats?.peerBytes ?? 0;
    counters.cdnBytes += stats?.cdnBytes ?? 0;
  }
  for (const sizeBytes of origin.sentBytes.values()) counters.sentBytes += sizeBytes;
  return counters;
}
