// Real browsers behind real, shaped uplinks, beside headless viewers with the same ones: whether what
// the swarm benchmark says is true of the players that people use.

import { Tracker } from '@shoal/tracker';
import { pino } from 'pino';
import { percentile } from '../sim/swarm-outcome.ts';
import { PageSite } from '../support/page-site.ts';
import { RecordedLiveOrigin } from '../support/recorded-live-origin.ts';
import { type RecordedTrack, recordMedia } from '../support/recorded-media.ts';
import type { BenchReport } from './bench-report.ts';
import { copiesByReason } from './fetch-reasons.ts';
import { LoadWatch } from './load-watch.ts';
import {
  type Audience,
  chromiumAudience,
  headlessAudience,
  type ViewerCounters,
} from './shaped-audience.ts';

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
  const uplinkBps = uplink === null ? null : uplink * bitrateBps;
  const options = { origin, tracker, viewerCount, uplinkBps };
  const audience = await (viewers === 'Chromium'
    ? chromiumAudience(options, site)
    : headlessAudience(options));
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
  const startedAtMs = Date.now();
  const before = await audience.counters();
  const sentBefore = sentBytesOf(origin);
  await wait(measuredMs);
  const after = await audience.counters();
  const sentBytes = sentBytesOf(origin) - sentBefore;
  const { isStarved } = load.stop();
  const change = (value: (viewer: ViewerCounters) => number): number =>
    sumOf(after, value) - sumOf(before, value);
  const cdnBytes = change((each) => each.cdnBytes);
  const mediaBytes = change((each) => each.peerBytes) + cdnBytes;
  const copyBytes = mediaBytes / viewerCount;
  const delaysMs = loadedAfterMs(origin, after, startedAtMs);
  return {
    offload: round(1 - sentBytes / mediaBytes, 3),
    'most possible': round(1 - 1 / viewerCount, 3),
    'offload by their own count': round(1 - cdnBytes / mediaBytes, 3),
    'copies by reason': copiesByReason(
      (reason) => change((each) => each.fetchedBytes[reason] ?? 0) / copyBytes,
    ),
    'published to stored s': round(percentile(delaysMs, 0.5) / 1_000, 2),
    'p95 s': round(percentile(delaysMs, 0.95) / 1_000, 2),
    'discarded %': round((100 * change((each) => each.discardedBytes)) / mediaBytes, 2),
    neighbours: round(sumOf(after, (each) => each.peerCount) / viewerCount, 1),
    stalls: change((each) => each.stallCount),
    starved: isStarved ? 'yes' : 'no',
  };
}

/** Of the segments that were published in the measured time, for each viewer that had them by its end. */
function loadedAfterMs(
  origin: RecordedLiveOrigin,
  viewers: readonly ViewerCounters[],
  fromMs: number,
): number[] {
  return viewers.flatMap(({ loaded }) =>
    loaded.flatMap(({ number, atMs }) => {
      const publishedAtMs = origin.publishedAtMs.get(number) ?? 0;
      return publishedAtMs < fromMs ? [] : [atMs - publishedAtMs];
    }),
  );
}

function sumOf(
  viewers: readonly ViewerCounters[],
  value: (viewer: ViewerCounters) => number,
): number {
  return viewers.reduce((sum, viewer) => sum + value(viewer), 0);
}

function sentBytesOf(origin: RecordedLiveOrigin): number {
  return [...origin.sentBytes.values()].reduce((sum, sizeBytes) => sum + sizeBytes, 0);
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
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
    method: `Each Chromium in a network namespace whose uplink \`tc tbf\` shapes (100 ms of queue), all started before the first page is opened; headless viewers in one process, with a token bucket. 2.5 Mbit/s, segments of ${segmentSeconds} s, hls.js's own latency of three of them; ${warmUpMs / 1_000} s of warm-up, ${measuredMs / 1_000} s measured, one run a row. A row that says starved was taken on a busy machine and means nothing.`,
    rows,
  };
}
