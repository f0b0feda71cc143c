// How soon a viewer sees a picture and how far behind live it then is, with Shoal and with plain
// hls.js: the same page, the same Chromium, one session after the other in turns.

import { Tracker } from '@shoal/tracker';
import { pino } from 'pino';
import type { Browser } from 'playwright-core';
import { HeadlessViewer } from '../../infra/demo/headless-viewer.ts';
import { launchChromium } from '../support/chromium.ts';
import { DeliveryViewer, type DeliveryViewerOptions } from '../support/delivery-viewer.ts';
import { PageSite } from '../support/page-site.ts';
import { RecordedLiveOrigin } from '../support/recorded-live-origin.ts';
import { type RecordedTrack, recordMedia } from '../support/recorded-media.ts';
import type { BenchReport } from './bench-report.ts';
import { LoadWatch } from './load-watch.ts';

const sessions = 10;
const segmentSeconds = 2;
const watchedSeconds = 1;
const neighbourCount = 2;

interface StartupCase {
  readonly name: string;
  readonly options: Partial<DeliveryViewerOptions>;
  readonly hasSwarm: boolean;
  /** Segments of several fragments, which hls.js can append one by one. */
  readonly isFragmented: boolean;
}

const cases: readonly StartupCase[] = [
  { name: 'plain hls.js', options: { build: 'plain' }, hasSwarm: false, isFragmented: false },
  { name: 'Shoal, first viewer', options: {}, hasSwarm: true, isFragmented: false },
  { name: 'Shoal, in a swarm', options: {}, hasSwarm: true, isFragmented: false },
  {
    name: 'Shoal, progressive',
    options: { config: { progressive: true } },
    hasSwarm: false,
    isFragmented: false,
  },
  {
    name: 'Shoal, progressive, 4 fragments a segment',
    options: { config: { progressive: true } },
    hasSwarm: false,
    isFragmented: true,
  },
];

interface Session {
  readonly startupMs: number;
  readonly latencySeconds: number;
  readonly stallCount: number;
}

class Bench {
  readonly #browser: Browser;
  readonly #site: PageSite;
  readonly #tracker: Tracker;
  readonly #origins: Readonly<Record<'whole' | 'fragmented' | 'swarm', RecordedLiveOrigin>>;

  private constructor(
    browser: Browser,
    site: PageSite,
    tracker: Tracker,
    origins: Readonly<Record<'whole' | 'fragmented' | 'swarm', RecordedLiveOrigin>>,
  ) {
    this.#browser = browser;
    this.#site = site;
    this.#tracker = tracker;
    this.#origins = origins;
  }

  static async start(): Promise<Bench> {
    const record = async (fragmentSeconds: number) =>
      await recordMedia({
        renditions: [
          {
            name: '360p',
            video: { widthPx: 640, heightPx: 360, bitrateBps: 2_500_000 },
            hasSound: true,
          },
        ],
        segmentSeconds,
        encodingSeconds: [240],
        fragmentSeconds,
      });
    const whole = await record(segmentSeconds + 0.25);
    const fragmented = await record(segmentSeconds / 4);
    const serve = async (tracks: readonly RecordedTrack[]) =>
      await RecordedLiveOrigin.start({
        tracks,
        segmentSeconds,
        responseBps: 10_000_000,
        firstByteMs: 50,
      });
    return new Bench(
      await launchChromium(),
      await PageSite.start(new URL('../support/delivery-page.ts', import.meta.url)),
      await Tracker.start({
        host: '127.0.0.1',
        port: 0,
        store: { kind: 'memory' },
        logger: pino({ level: 'silent' }),
      }),
      {
        whole: await serve(whole),
        swarm: await serve(whole),
        fragmented: await serve(fragmented),
      },
    );
  }

  /** Viewers that stay in the swarm of one of the origins. */
  async fillSwarm(): Promise<HeadlessViewer[]> {
    return Array.from({ length: neighbourCount }, () =>
      HeadlessViewer.start({
        playlistUrl: this.#origins.swarm.playlistUrl,
        trackerUrl: this.#tracker.webSocketUrl,
        telemetry: false,
      }),
    );
  }

  async watch({ name, options, hasSwarm, isFragmented }: StartupCase): Promise<Session> {
    const inSwarm = name.endsWith('swarm');
    const origin = isFragmented
      ? this.#origins.fragmented
      : this.#origins[inSwarm ? 'swarm' : 'whole'];
    const viewer = await DeliveryViewer.open(this.#browser, this.#site, {
      playlistUrl: origin.playlistUrl,
      ...(hasSwarm ? { trackerUrl: this.#tracker.webSocketUrl } : {}),
      ...options,
    });
    try {
      await viewer.untilPlayed(watchedSeconds);
      const { startupMs, latencySeconds, stallCount } = await viewer.report();
      return { startupMs: startupMs ?? Number.NaN, latencySeconds, stallCount };
    } finally {
      await viewer.close();
    }
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.#site.close();
    await this.#tracker.close('measured');
    for (const origin of Object.values(this.#origins)) await origin.close();
  }
}

/** Ten rounds of one session a case: about four minutes. */
export async function benchStartup(): Promise<BenchReport> {
  const bench = await Bench.start();
  const neighbours = await bench.fillSwarm();
  const taken = new Map<string, Session[]>(cases.map(({ name }) => [name, []]));
  const load = LoadWatch.start();
  for (let round = 0; round < sessions; round += 1) {
    // Each case comes first as often as last.
    const order = round % 2 === 0 ? cases : cases.toReversed();
    for (const each of order) taken.get(each.name)?.push(await bench.watch(each));
  }
  const { isStarved } = load.stop();
  for (const neighbour of neighbours) await neighbour.close();
  await bench.close();
  const plain = taken.get('plain hls.js') ?? [];
  const rows = [...taken].map(([name, each]) => ({
    player: name,
    'start-up, median ms': Math.round(median(each.map(({ startupMs }) => startupMs))),
    'ratio to plain, median of pairs': Number(
      median(
        each.map(({ startupMs }, index) => startupMs / (plain[index]?.startupMs ?? Number.NaN)),
      ).toFixed(2),
    ),
    'latency, median s': Number(
      median(each.map(({ latencySeconds }) => latencySeconds)).toFixed(1),
    ),
    stalls: each.reduce((sum, { stallCount }) => sum + stallCount, 0),
    starved: isStarved ? 'yes' : 'no',
  }));
  return {
    name: 'startup',
    title: 'From opening a live stream to the first picture, in Chromium',
    method: `${sessions} rounds of one session a player, in turns, each in a context of its own; from \`loadSource\` to \`playing\`. 2.5 Mbit/s, segments of ${segmentSeconds} s, an origin of 10 Mbit/s a response after 50 ms. In a swarm: ${neighbourCount} viewers have been there for a while. Pages are opened one after the other without a pause, so the machine is busy all the time; what counts is the ratio of two sessions side by side.`,
    rows,
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}
