// Real browsers behind real, shaped uplinks, beside headless viewers with the same ones: whether what
// the swarm benchmark says is true of the players that people use.

import { Tracker } from '@shoal/tracker';
import { pino } from 'pino';
import type { Browser } from 'playwright-core';
import { HeadlessViewer } from '../../infra/demo/headless-viewer.ts';
import { launchChromium } from '../support/chromium.ts';
import { DeliveryViewer } from '../support/delivery-viewer.ts';
import { PageSite } from '../support/page-site.ts';
import { RecordedLiveOrigin } from '../support/recorded-live-origin.ts';
import { type RecordedTrack, recordMedia } from '../support/recorded-media.ts';
import type { BenchReport } from './bench-report.ts';
import { LoadWatch } from './load-watch.ts';
import { ShapedNamespaces } from './shaped-namespaces.ts';

const viewerCount = 6;
const segmentSeconds = 2;
const bitrateBps = 2_500_000;
const warmUpMs = 18_000;
const measuredMs = 24_000;

/** Uplinks as a multiple of the stream. */
const cases: readonly { readonly name: string; readonly uplink: number | null }[] = [
  { name: 'N=6, no limit', uplink: null },
  { name: 'N=6, uplink 2x', uplink: 2 },
  { name: 'N=6, uplink 1.4x', uplink: 1.4 },
];

interface Audience {
  /** Stall seconds or, in browsers, stalls; and what the viewers say of themselves. */
  totals(): Promise<{ peerBytes: number; cdnBytes: number; stalls: number; peers: number }>;
  close(): Promise<void>;
}

async function headlessAudience(
  origin: RecordedLiveOrigin,
  tracker: Tracker,
  uplink: number | null,
): Promise<Audience> {
  const viewers = Array.from({ length: viewerCount }, () =>
    HeadlessViewer.start({
      playlistUrl: origin.playlistUrl,
      trackerUrl: `ws://127.0.0.1:${portOf(tracker)}`,
      telemetry: false,
      ...(uplink === null ? {} : { uplinkBps: uplink * bitrateBps }),
    }),
  );
  return {
    totals: async () => sumOf(viewers.map(({ stats }) => ({ ...stats, stalls: stats.stallCount }))),
    close: async () => {
      for (const viewer of viewers) await viewer.close();
    },
  };
}

async function chromiumAudience(
  origin: RecordedLiveOrigin,
  tracker: Tracker,
  site: PageSite,
  uplink: number | null,
): Promise<Audience> {
  const homes = await ShapedNamespaces.create();
  const browsers: Browser[] = [];
  const viewers: DeliveryViewer[] = [];
  const close = async (): Promise<void> => {
    for (const browser of browsers) await browser.close();
    await homes.close();
  };
  const open = async (): Promise<void> => {
    const pageOrigin = new URL(site.url({}, homes.hostAddress)).origin;
    const browser = await launchChromium({
      program: await homes.add(uplink === null ? null : uplink * bitrateBps),
      // As on a site with TLS: WebCrypto checks the pieces.
      arguments: [`--unsafely-treat-insecure-origin-as-secure=${pageOrigin}`],
    });
    browsers.push(browser);
    viewers.push(
      await DeliveryViewer.open(browser, site, {
        host: homes.hostAddress,
        playlistUrl: origin.playlistUrlAt(homes.hostAddress),
        trackerUrl: `ws://${homes.hostAddress}:${portOf(tracker)}`,
      }),
    );
  };
  try {
    for (let index = 0; index < viewerCount; index += 1) await open();
  } catch (error) {
    // Namespaces would stay behind on the machine.
    await close();
    throw error;
  }
  return {
    totals: async () => {
      const reports = await Promise.all(viewers.map((viewer) => viewer.report()));
      return sumOf(
        reports.map(({ stats, stallCount }) => ({
          peerBytes: stats?.peerBytes ?? 0,
          cdnBytes: stats?.cdnBytes ?? 0,
          peerCount: stats?.peerCount ?? 0,
          stalls: stallCount,
        })),
      );
    },
    close,
  };
}

function sumOf(
  viewers: readonly { peerBytes: number; cdnBytes: number; peerCount: number; stalls: number }[],
) {
  const totals = { peerBytes: 0, cdnBytes: 0, stalls: 0, peers: 0 };
  for (const { peerBytes, cdnBytes, peerCount, stalls } of viewers) {
    totals.peerBytes += peerBytes;
    totals.cdnBytes += cdnBytes;
    totals.stalls += stalls;
    totals.peers += peerCount / viewers.length;
  }
  return totals;
}

function portOf(tracker: Tracker): number {
  return Number(new URL(tracker.webSocketUrl).port);
}

async function measure(
  { name, uplink }: (typeof cases)[number],
  viewers: 'Chromium' | 'headless',
  tracks: readonly RecordedTrack[],
  site: PageSite,
) {
  const origin = await RecordedLiveOrigin.start({ tracks, segmentSeconds, host: '0.0.0.0' });
  const tracker = await Tracker.start({
    host: '0.0.0.0',
    port: 0,
    store: { kind: 'memory' },
    logger: pino({ level: 'silent' }),
  });
  const audience =
    viewers === 'Chromium'
      ? await chromiumAudience(origin, tracker, site, uplink)
      : await headlessAudience(origin, tracker, uplink);
  try {
    return { case: name, viewers, ...(await watch(origin, audience)) };
  } finally {
    await audience.close();
    await tracker.close('measured');
    await origin.close();
  }
}

async function watch(origin: RecordedLiveOrigin, audience: Audience) {
  await wait(warmUpMs);
  const load = LoadWatch.start();
  const before = { ...(await audience.totals()), sentBytes: sentBytesOf(origin) };
  await wait(measuredMs);
  const after = { ...(await audience.totals()), sentBytes: sentBytesOf(origin) };
  const { isStarved } = load.stop();
  const cdnBytes = after.cdnBytes - before.cdnBytes;
  const mediaBytes = after.peerBytes - before.peerBytes + cdnBytes;
  return {
    offload: Number((1 - (after.sentBytes - before.sentBytes) / mediaBytes).toFixed(3)),
    'most possible': Number((1 - 1 / viewerCount).toFixed(3)),
    'offload by their own count': Number((1 - cdnBytes / mediaBytes).toFixed(3)),
    neighbours: Number(after.peers.toFixed(1)),
    stalls: after.stalls - before.stalls,
    starved: isStarved ? 'yes' : 'no',
  };
}

function sentBytesOf(origin: RecordedLiveOrigin): number {
  return [...origin.sentBytes.values()].reduce((sum, sizeBytes) => sum + sizeBytes, 0);
}

const wait = (delayMs: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, delayMs));

/** Each case in Chromium and headless: about a minute a row. */
export async function benchChromium(caseNames: readonly string[]): Promise<BenchReport> {
  const tracks = await recordMedia({
    renditions: [
      { name: '360p', video: { widthPx: 640, heightPx: 360, bitrateBps }, hasSound: false },
    ],
    segmentSeconds,
    encodingSeconds: [120],
  });
  const site = await PageSite.start(
    new URL('../support/delivery-page.ts', import.meta.url),
    '0.0.0.0',
  );
  const rows: Awaited<ReturnType<typeof measure>>[] = [];
  for (const each of cases) {
    if (caseNames.length > 0 && !caseNames.some((start) => each.name.startsWith(start))) continue;
    for (const viewers of ['Chromium', 'headless'] as const) {
      const row = await measure(each, viewers, tracks, site);
      console.log(row);
      rows.push(row);
    }
  }
  await site.close();
  return {
    name: 'chromium',
    title: 'Six Chromiums behind shaped uplinks, and six headless viewers with the same',
    method: `Each Chromium in a network namespace whose uplink \`tc tbf\` shapes (100 ms of queue); headless viewers in one process, with a token bucket. 2.5 Mbit/s, segments of ${segmentSeconds} s, hls.js's own latency of three of them; ${warmUpMs / 1_000} s of warm-up, ${measuredMs / 1_000} s measured, one run a row. A row that says starved was taken on a busy machine and means nothing.`,
    rows,
  };
}
