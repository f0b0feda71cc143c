// npm run bench swarm: Shoal's exchange on real WebRTC under the conditions that matter: uplinks of
// home lines, viewers who cannot upload, churn, a crowd. Beside it whole segments, in the same run.

import { Tracker } from '@shoal/tracker';
import { pino } from 'pino';
import { HeadlessViewer, type HeadlessViewerOptions } from '../../infra/demo/headless-viewer.ts';
import {
  SyntheticLiveOrigin,
  type SyntheticLiveOriginOptions,
} from '../support/synthetic-live-origin.ts';
import type { BenchReport } from './bench-report.ts';
import { LoadWatch } from './load-watch.ts';

const bitrateBps = 2_500_000;
const warmUpMs = 15_000;
const measuredMs = 24_000;

interface SwarmCase {
  readonly name: string;
  readonly viewerCount: number;
  /** Uplink of a viewer as a multiple of the stream; absent: not limited. */
  readonly uplink?: (viewer: number) => number | undefined;
  readonly joinIntervalMs?: number;
  readonly origin?: Partial<SyntheticLiveOriginOptions>;
  readonly exchange?: HeadlessViewerOptions['exchange'];
  /** One viewer leaves and one joins in this time. */
  readonly churnMs?: number;
}

const cases: readonly SwarmCase[] = [
  { name: 'N=12, no limit', viewerCount: 12 },
  { name: 'N=12, no limit, whole segments', viewerCount: 12, exchange: 'p2p-media-loader' },
  { name: 'N=12, uplink 2x', viewerCount: 12, uplink: () => 2 },
  { name: 'N=12, uplink 1.4x', viewerCount: 12, uplink: () => 1.4 },
  { name: 'N=12, uplink 1x', viewerCount: 12, uplink: () => 1 },
  {
    name: 'N=12, a third 0.3x, the rest 2x',
    viewerCount: 12,
    uplink: (viewer) => (viewer % 3 === 0 ? 0.3 : 2),
  },
  {
    name: 'N=12, uplink 1.4x, 3 s behind live',
    viewerCount: 12,
    uplink: () => 1.4,
    origin: { targetDurationSeconds: 1 },
  },
  { name: 'N=20, one leaves and joins every 3 s', viewerCount: 20, churnMs: 3_000 },
];

const wait = (delayMs: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, delayMs));

interface Counters {
  readonly sentBytes: number;
  readonly lastNumber: number;
  readonly stallSeconds: number;
  readonly discardedBytes: number;
}

/** One swarm with its origin and tracker. */
class Swarm {
  readonly #case: SwarmCase;
  readonly #origin: SyntheticLiveOrigin;
  readonly #tracker: Tracker;
  readonly #viewers: HeadlessViewer[] = [];
  readonly #fetched = new Map<string, number>();
  /** Of viewers who have left. */
  #pastStallSeconds = 0;
  #pastDiscardedBytes = 0;
  #joined = 0;

  private constructor(swarmCase: SwarmCase, origin: SyntheticLiveOrigin, tracker: Tracker) {
    this.#case = swarmCase;
    this.#origin = origin;
    this.#tracker = tracker;
  }

  static async start(swarmCase: SwarmCase): Promise<Swarm> {
    const origin = await SyntheticLiveOrigin.start({ bitrateBps, ...swarmCase.origin });
    const tracker = await Tracker.start({
      host: '127.0.0.1',
      port: 0,
      store: { kind: 'memory' },
      logger: pino({ level: 'silent' }),
    });
    const swarm = new Swarm(swarmCase, origin, tracker);
    for (let index = 0; index < swarmCase.viewerCount; index += 1) {
      swarm.#join();
      await wait(swarmCase.joinIntervalMs ?? 300);
    }
    return swarm;
  }

  get segmentSizeBytes(): number {
    return this.#origin.segmentSizeBytes;
  }

  /** CDN bytes since the last call, by reason. */
  takeFetched(): ReadonlyMap<string, number> {
    const taken = new Map(this.#fetched);
    this.#fetched.clear();
    return taken;
  }

  counters(): Counters {
    const sum = (value: (viewer: HeadlessViewer) => number): number =>
      this.#viewers.reduce((total, viewer) => total + value(viewer), 0);
    return {
      sentBytes: this.#origin.sentBytes,
      lastNumber: this.#origin.lastSequenceNumber,
      stallSeconds: this.#pastStallSeconds + sum((viewer) => viewer.stats.stallSeconds),
      discardedBytes: this.#pastDiscardedBytes + sum((viewer) => viewer.stats.discardedBytes),
    };
  }

  /** Lets the time pass, with viewers coming and going where the case says so. */
  async pass(durationMs: number): Promise<void> {
    const { churnMs } = this.#case;
    const untilMs = performance.now() + durationMs;
    while (performance.now() < untilMs) {
      await wait(Math.min(churnMs ?? durationMs, untilMs - performance.now()));
      if (churnMs === undefined || performance.now() >= untilMs) continue;
      const leaving = this.#viewers.shift();
      if (leaving) {
        this.#pastStallSeconds += leaving.stats.stallSeconds;
        this.#pastDiscardedBytes += leaving.stats.discardedBytes;
        await leaving.close();
      }
      this.#join();
    }
  }

  async close(): Promise<void> {
    for (const viewer of this.#viewers) await viewer.close();
    await this.#tracker.close('measured');
    await this.#origin.close();
  }

  #join(): void {
    const factor = this.#case.uplink?.(this.#joined);
    this.#joined += 1;
    this.#viewers.push(
      HeadlessViewer.start({
        playlistUrl: this.#origin.playlistUrl,
        trackerUrl: this.#tracker.webSocketUrl,
        telemetry: false,
        exchange: this.#case.exchange,
        uplinkBps: factor === undefined ? undefined : factor * bitrateBps,
        onFetch: (reason, sizeBytes) => {
          this.#fetched.set(reason, (this.#fetched.get(reason) ?? 0) + sizeBytes);
        },
      }),
    );
  }
}

async function measure(swarmCase: SwarmCase) {
  const swarm = await Swarm.start(swarmCase);
  await swarm.pass(warmUpMs);
  swarm.takeFetched();
  const before = swarm.counters();
  const load = LoadWatch.start();
  await swarm.pass(measuredMs);
  const busy = load.stop();
  const after = swarm.counters();
  const streamBytes = (after.lastNumber - before.lastNumber) * swarm.segmentSizeBytes;
  const reasons = [...swarm.takeFetched()].map(
    ([reason, sizeBytes]) => `${reason} ${(sizeBytes / streamBytes).toFixed(2)}`,
  );
  await swarm.close();
  const copies = (after.sentBytes - before.sentBytes) / streamBytes;
  const { viewerCount } = swarmCase;
  return {
    case: swarmCase.name,
    copies: round(copies, 2),
    offload: round(1 - copies / viewerCount, 3),
    'most possible': round(1 - 1 / viewerCount, 3),
    'copies by reason': reasons.length > 0 ? reasons.join(', ') : '–',
    'stall s per viewer-minute': round(
      ((after.stallSeconds - before.stallSeconds) / viewerCount / measuredMs) * 60_000,
      2,
    ),
    'discarded %': round(
      ((after.discardedBytes - before.discardedBytes) / (streamBytes * viewerCount)) * 100,
      1,
    ),
    'CPU per viewer %': round((busy.cpuShare / viewerCount) * 100, 1),
    starved: busy.isStarved ? 'yes' : 'no',
  };
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** All cases, one after the other: about nine minutes. */
export async function benchSwarm(caseNames: readonly string[] = []): Promise<BenchReport> {
  const rows: Awaited<ReturnType<typeof measure>>[] = [];
  for (const swarmCase of cases) {
    if (caseNames.length > 0 && !caseNames.some((name) => swarmCase.name.startsWith(name)))
      continue;
    const row = await measure(swarmCase);
    console.log(row);
    rows.push(row);
  }
  return {
    name: 'swarm',
    title: 'Copies that the CDN sends of each segment, by what the viewers can upload',
    method:
      'Headless viewers with real WebRTC data channels on one machine; 2.5 Mbit/s, segments of 2 s and six seconds behind live unless said; uplinks are a token bucket on what a viewer sends, as a multiple of the stream; 15 s of warm-up, 24 s measured, one run a row. Whole segments: the exchange that speaks with p2p-media-loader. A row that says starved was taken on a busy machine and means nothing.',
    rows,
  };
}
