// npm run bench delivery: the same viewers, origin, tracker and data channels under Shoal and under
// p2p-media-loader, one after the other in one run; how often each segment left the origin.

import { Tracker } from '@shoal/tracker';
import { pino } from 'pino';
import { HeadlessViewer, type HeadlessViewerOptions } from '../../infra/demo/headless-viewer.ts';
import { SyntheticLiveOrigin } from '../support/synthetic-live-origin.ts';
import type { BenchReport } from './bench-report.ts';
import { LoadWatch } from './load-watch.ts';
import { P2pMediaLoaderDelivery, tunedConfig } from './p2p-media-loader-delivery.ts';

interface Scheme {
  readonly name: string;
  readonly options: Partial<HeadlessViewerOptions>;
}

const schemes: readonly Scheme[] = [
  { name: 'Shoal', options: {} },
  { name: 'Shoal, whole segments', options: { exchange: 'p2p-media-loader' } },
  {
    name: 'p2p-media-loader, defaults',
    options: { makeDelivery: (options) => new P2pMediaLoaderDelivery(options, {}) },
  },
  {
    name: 'p2p-media-loader, tuned',
    options: { makeDelivery: (options) => new P2pMediaLoaderDelivery(options, tunedConfig) },
  },
];

const viewerCounts = [3, 10] as const;
const joinIntervalMs = 400;
const warmUpMs = 15_000;
const measuredMs = 30_000;

const wait = (delayMs: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, delayMs));

interface Cell {
  readonly [column: string]: string | number;
}

async function measure(scheme: Scheme, viewerCount: number): Promise<Cell> {
  const origin = await SyntheticLiveOrigin.start();
  const tracker = await Tracker.start({
    host: '127.0.0.1',
    port: 0,
    store: { kind: 'memory' },
    logger: pino({ level: 'silent' }),
  });
  const viewers: HeadlessViewer[] = [];
  for (let index = 0; index < viewerCount; index += 1) {
    viewers.push(
      HeadlessViewer.start({
        playlistUrl: origin.playlistUrl,
        trackerUrl: tracker.webSocketUrl,
        telemetry: false,
        ...scheme.options,
      }),
    );
    await wait(joinIntervalMs);
  }
  await wait(warmUpMs);
  const before = snapshot(origin, viewers);
  const load = LoadWatch.start();
  await wait(measuredMs);
  const busy = load.stop();
  const after = snapshot(origin, viewers);
  for (const viewer of viewers) await viewer.close();
  await tracker.close('measured');
  await origin.close();
  const segments = after.lastNumber - before.lastNumber;
  const copies = (after.sentBytes - before.sentBytes) / origin.segmentSizeBytes / segments;
  const stallSecondsPerMinute =
    ((after.stallSeconds - before.stallSeconds) / viewerCount / measuredMs) * 60_000;
  return {
    viewers: viewerCount,
    scheme: scheme.name,
    'CDN copies per segment': round(copies, 2),
    offload: round(1 - copies / viewerCount, 3),
    'most possible': round(1 - 1 / viewerCount, 3),
    'stall s per viewer-minute': round(stallSecondsPerMinute, 2),
    'CPU of one core': round(busy.cpuShare, 2),
    starved: busy.isStarved ? 'yes' : 'no',
  };
}

function snapshot(origin: SyntheticLiveOrigin, viewers: readonly HeadlessViewer[]) {
  return {
    lastNumber: origin.lastSequenceNumber,
    sentBytes: origin.sentBytes,
    stallSeconds: viewers.reduce((sum, viewer) => sum + viewer.stats.stallSeconds, 0),
  };
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** All cells, one after the other: about six minutes. */
export async function benchDelivery(): Promise<BenchReport> {
  const rows: Cell[] = [];
  for (const viewerCount of viewerCounts) {
    for (const scheme of schemes) {
      const cell = await measure(scheme, viewerCount);
      console.log(cell);
      rows.push(cell);
    }
  }
  return {
    name: 'delivery',
    title: 'How often the CDN sends each segment',
    method:
      'Headless viewers with real WebRTC data channels on one machine, six seconds behind live; 2.5 Mbit/s, segments of 2 s, origin responses paced at 25 Mbit/s after 20 ms; uplinks not limited; 15 s of warm-up, 30 s measured, one run a row. A row that says starved was taken on a busy machine and means nothing.',
    rows,
  };
}
