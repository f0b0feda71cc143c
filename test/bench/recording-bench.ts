// Recordings among viewers at different places: whole segments against verified pieces, so that the
// origin offers what is better. Headless viewers on real data channels.

import { Tracker } from '@shoal/tracker';
import { pino } from 'pino';
import { HeadlessViewer } from '../../infra/demo/headless-viewer.ts';
import { RecordedLiveOrigin } from '../support/recorded-live-origin.ts';
import { type RecordedTrack, recordMedia } from '../support/recorded-media.ts';
import type { BenchReport } from './bench-report.ts';
import { LoadWatch } from './load-watch.ts';

const viewerCount = 8;
const bitrateBps = 2_500_000;
const segmentSeconds = 2;
const measuredMs = 50_000;

interface RecordingCase {
  readonly name: string;
  readonly spacingSeconds: number;
  readonly uplink: number;
}

const cases: readonly RecordingCase[] = [
  { name: '8 viewers, 10 s apart, uplink 2x', spacingSeconds: 10, uplink: 2 },
];

async function measure(
  { name, spacingSeconds, uplink }: RecordingCase,
  unit: 'pieces' | 'whole segments',
  tracks: readonly RecordedTrack[],
) {
  const origin = await RecordedLiveOrigin.start({
    tracks,
    segmentSeconds,
    isRecording: true,
    recordingHasPieces: unit === 'pieces',
  });
  const tracker = await Tracker.start({
    host: '127.0.0.1',
    port: 0,
    store: { kind: 'memory' },
    logger: pino({ level: 'silent' }),
  });
  const load = LoadWatch.start();
  // Who is last in the recording comes first, so that those behind find what they need.
  const viewers: HeadlessViewer[] = [];
  for (let index = viewerCount - 1; index >= 0; index -= 1) {
    viewers.push(
      HeadlessViewer.start({
        playlistUrl: origin.playlistUrl,
        trackerUrl: tracker.webSocketUrl,
        telemetry: false,
        startAtSeconds: index * spacingSeconds,
        uplinkBps: uplink * bitrateBps,
      }),
    );
    await wait(500);
  }
  await wait(measuredMs);
  const { cpuShare, isStarved } = load.stop();
  const sum = (value: (viewer: HeadlessViewer) => number): number =>
    viewers.reduce((total, viewer) => total + value(viewer), 0);
  const mediaBytes = sum(({ stats }) => stats.cdnBytes + stats.peerBytes);
  const sentBytes = [...origin.sentBytes.values()].reduce((total, each) => total + each, 0);
  const row = {
    case: name,
    scheme: unit,
    offload: Number((1 - sentBytes / mediaBytes).toFixed(3)),
    'stall s per viewer-minute': Number(
      ((sum(({ stats }) => stats.stallSeconds) / viewerCount / measuredMs) * 60_000).toFixed(2),
    ),
    'discarded %': Number(
      ((sum(({ stats }) => stats.discardedBytes) / mediaBytes) * 100).toFixed(1),
    ),
    'CPU per viewer %': Number(((cpuShare / viewerCount) * 100).toFixed(1)),
    starved: isStarved ? 'yes' : 'no',
  };
  for (const viewer of viewers) await viewer.close();
  await tracker.close('measured');
  await origin.close();
  return row;
}

const wait = (delayMs: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, delayMs));

/** About two minutes. */
export async function benchRecording(): Promise<BenchReport> {
  const tracks = await recordMedia({
    renditions: [
      { name: '360p', video: { widthPx: 640, heightPx: 360, bitrateBps }, hasSound: false },
    ],
    segmentSeconds,
    encodingSeconds: [180],
  });
  const rows: Awaited<ReturnType<typeof measure>>[] = [];
  for (const each of cases) {
    for (const unit of ['whole segments', 'pieces'] as const) {
      const row = await measure(each, unit, tracks);
      console.log(row);
      rows.push(row);
    }
  }
  return {
    name: 'recording',
    title: 'Recordings, watched by viewers at different places',
    method: `Headless viewers with real WebRTC data channels; 2.5 Mbit/s, segments of ${segmentSeconds} s, uplinks as a token bucket, in multiples of the stream; from the first viewer on, ${measuredMs / 1_000} s after the last has come, one run a row. A row that says starved was taken on a busy machine and means nothing.`,
    rows,
  };
}
