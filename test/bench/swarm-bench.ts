// npm run bench swarm: Shoal's exchange on real WebRTC under the conditions that matter: uplinks of
// home lines, churn, crowds, cheats. Beside it p2p-media-loader's core, in the same run.

import { jain, percentile } from '../sim/swarm-outcome.ts';
import type { BenchReport } from './bench-report.ts';
import { copiesByReason } from './fetch-reasons.ts';
import { LoadWatch } from './load-watch.ts';
import { bitrateBps, MeasuredSwarm, type SwarmCounters } from './measured-swarm.ts';
import { type Scheme, type SwarmCase, swarmCases } from './swarm-cases.ts';
import type { ViewerReport } from './viewer-host.ts';

const warmUpMs = 15_000;
const measuredMs = 24_000;

/** What a viewer did between two reports; one that joined in between began at zero. */
function changes(before: SwarmCounters, after: SwarmCounters, value: (v: ViewerReport) => number) {
  const known = new Map(before.viewers.map((viewer) => [viewer.id, value(viewer)]));
  return after.viewers.map((viewer) => ({
    viewer,
    change: value(viewer) - (known.get(viewer.id) ?? 0),
  }));
}

function sumOf(before: SwarmCounters, after: SwarmCounters, value: (v: ViewerReport) => number) {
  return changes(before, after, value).reduce((sum, { change }) => sum + change, 0);
}

async function measure(swarmCase: SwarmCase, scheme: Scheme) {
  const swarm = await MeasuredSwarm.start(swarmCase, scheme);
  await swarm.pass(swarmCase.warmUpMs ?? warmUpMs);
  const before = await swarm.counters();
  const load = LoadWatch.start();
  const durationMs = swarmCase.measuredMs ?? measuredMs;
  if (swarmCase.crowd !== undefined) await swarm.crowd(swarmCase.crowd);
  await swarm.pass(durationMs - (swarmCase.crowd === undefined ? 0 : 2_000));
  const busy = load.stop();
  const after = await swarm.counters();
  const isStarved = busy.isStarved || after.isStarved;
  const row = rowOf(swarmCase, scheme, swarm, before, after);
  await swarm.close();
  return { ...row, starved: isStarved ? 'yes' : 'no' };
}

function rowOf(
  swarmCase: SwarmCase,
  scheme: Scheme,
  swarm: MeasuredSwarm,
  before: SwarmCounters,
  after: SwarmCounters,
) {
  const { origin, viewerCount } = swarm;
  const segments = after.lastNumber - before.lastNumber;
  const spanMs = after.atMs - before.atMs;
  const toCopies = (bytes: number): number => bytes / origin.segmentSizeBytes / segments;
  const copies = toCopies(after.sentBytes - before.sentBytes);
  const cheats = after.viewers.filter(({ isCheat }) => isCheat).length;
  const cheatCopies = toCopies(
    changes(before, after, fetchedOf).reduce(
      (sum, { viewer, change }) => sum + (viewer.isCheat ? change : 0),
      0,
    ),
  );
  const honest = after.viewers.filter(({ isCheat }) => !isCheat);
  const stallSeconds = changes(before, after, (each) => each.stallSeconds)
    .filter(({ viewer }) => !viewer.isCheat)
    .reduce((sum, { change }) => sum + change, 0);
  const perMinute = 60_000 / spanMs / (viewerCount - cheats);
  const fair = changes(before, after, (each) => each.uploadedBytes).filter(
    ({ viewer }) => viewer.canUpload && !viewer.isCheat && viewer.joinedAtMs < before.atMs,
  );
  const isShoal = scheme === 'Shoal';
  const joined = swarmCase.churnMs !== undefined || swarmCase.crowd !== undefined;
  return {
    case: swarmCase.name,
    scheme,
    copies: round(copies, 2),
    'copies p95': round(copiesP95(swarm, before, after), 2),
    offload: round(1 - copies / viewerCount, 3),
    'most possible': round(1 - (1 + startCopies(before, after, toCopies)) / viewerCount, 3),
    'offload of the honest':
      cheats === 0 ? '–' : round(1 - (copies - cheatCopies) / (viewerCount - cheats), 3),
    'copies by reason': isShoal
      ? copiesByReason((reason) =>
          toCopies(sumOf(before, after, ({ fetchedBytes }) => fetchedBytes[reason] ?? 0)),
        )
      : '–',
    'stall s per viewer-minute': round(stallSeconds * perMinute, 3),
    'start-up s': round(
      percentile(
        honest.map((each) => each.startupSeconds ?? 99),
        0.5,
      ),
      2,
    ),
    'behind live s': round(
      percentile(
        honest.map((each) => each.latencySeconds ?? 0),
        0.5,
      ),
      1,
    ),
    ...storedAfter(swarm, after),
    'discarded %': round(
      100 * (toCopies(sumOf(before, after, (each) => each.discardedBytes)) / viewerCount),
      2,
    ),
    'messages per viewer-second': isShoal
      ? round((sumOf(before, after, (each) => each.messages) / spanMs / viewerCount) * 1_000, 0)
      : '–',
    neighbours: round(
      percentile(
        honest.map((each) => each.peerCount),
        0.5,
      ),
      0,
    ),
    fairness: joined ? '–' : round(jain(fair.map(({ change }) => change)), 2),
    'playlists % of media': round(
      (100 * (after.playlistBytes - before.playlistBytes)) /
        ((bitrateBps / 8_000) * spanMs * viewerCount),
      2,
    ),
    'CPU per viewer %': round((after.cpuShare / viewerCount) * 100, 1),
  };
}

function fetchedOf({ fetchedBytes }: ViewerReport): number {
  return Object.values(fetchedBytes).reduce((sum, bytes) => sum + bytes, 0);
}

function startCopies(
  before: SwarmCounters,
  after: SwarmCounters,
  toCopies: (bytes: number) => number,
): number {
  return toCopies(sumOf(before, after, ({ fetchedBytes }) => fetchedBytes.start ?? 0));
}

/** Over the segments published in the measured time, but for the last, which are still on their way. */
function copiesP95(swarm: MeasuredSwarm, before: SwarmCounters, after: SwarmCounters): number {
  const copies: number[] = [];
  for (let number = before.lastNumber + 1; number <= after.lastNumber - 3; number += 1) {
    const sentBytes = swarm.origin.sentBytesOf.get(number) ?? 0;
    copies.push(sentBytes / swarm.origin.segmentSizeBytes);
  }
  return percentile(copies, 0.95);
}

function storedAfter(swarm: MeasuredSwarm, after: SwarmCounters) {
  const times = after.viewers.flatMap(({ joinedAtMs, stored, isCheat }) =>
    isCheat
      ? []
      : stored.flatMap(({ number, atMs }) => {
          const publishedAtMs = swarm.origin.publishedAtMs(number);
          // What was there before a viewer came says nothing.
          return publishedAtMs === null || publishedAtMs < joinedAtMs ? [] : [atMs - publishedAtMs];
        }),
  );
  return {
    'published to stored s': round(percentile(times, 0.5) / 1_000, 2),
    'p95 s': round(percentile(times, 0.95) / 1_000, 2),
  };
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** All rows, one after the other: half an hour. With names only the cases that begin so. */
export async function benchSwarm(
  caseNames: readonly string[],
  schemes: readonly string[],
): Promise<BenchReport> {
  const rows: Awaited<ReturnType<typeof measure>>[] = [];
  for (const swarmCase of swarmCases) {
    const name = swarmCase.name;
    if (caseNames.length > 0 && !caseNames.some((start) => name.startsWith(start))) continue;
    for (const scheme of ['Shoal', ...(swarmCase.others ?? [])] as const) {
      if (schemes.length > 0 && !schemes.includes(scheme)) continue;
      const row = await measure(swarmCase, scheme);
      console.log(row);
      rows.push(row);
    }
  }
  return {
    name: 'swarm',
    title: 'Copies that the CDN sends of each segment, by what the viewers can upload',
    method:
      'Headless viewers with real WebRTC data channels on one machine, 15 to a process; 2.5 Mbit/s, segments of 2 s and six to eight seconds behind live unless said; uplinks are a token bucket on what a viewer sends, as a multiple of the stream; 15 s of warm-up, 24 s measured (the crowd: 60 s from its arrival), one run a row. Most possible: one copy, and one first segment of each who joins. p2p-media-loader, assigned: Shoal’s mode for its swarms, in which viewers take turns at the CDN; sliced: the same with segments cut in four, which that mode does not do, since pages with the library would not understand it; defaults and tuned: the library’s own core in charge, tuned as its users do. Cheats count as viewers, and what they take from the CDN as copies; the offload of the honest leaves both out. Poisoners are dropped by everybody and then take a copy each. Of the crowd each takes its first segment from the CDN, which is sooner there than neighbours are met; without those its offload is at most .983. A row that says starved was taken on a busy machine and means nothing. All columns are in swarm.json.',
    hiddenColumns: [
      'copies p95',
      'start-up s',
      'behind live s',
      'published to stored s',
      'p95 s',
      'messages per viewer-second',
      'neighbours',
      'fairness',
      'playlists % of media',
    ],
    rows,
  };
}
