// Every fault that a network can have, on a live broadcast in Chromium: Shoal must not stand still
// longer than plain hls.js beside it, and must play on where other viewers have the segments.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Tracker } from '@shoal/tracker';
import { pino } from 'pino';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { HeadlessViewer } from '../../infra/demo/headless-viewer.ts';
import { buildForBrowsers } from '../../infra/local/build.ts';
import { launchChromium } from '../support/chromium.ts';
import {
  type BroadcastFaults,
  FaultyLiveSite,
  type SegmentFault,
  segmentSeconds,
} from '../support/faulty-live-site.ts';
import type { WatchedPlayback } from '../support/faulty-page.ts';
import { FaultyViewer } from '../support/faulty-viewers.ts';
import { pollUntil } from '../support/poll-until.ts';
import { TcpGate } from '../support/tcp-gate.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Two players of one machine never wait for exactly the same time. */
const toleranceSeconds = 1;
/** hls.js asks for a playlist that fails again after 1 and 2 s, the page after another one. */
const playlistRetrySeconds = 2;
const faultSegments = Math.ceil(10 / segmentSeconds);

// Each case is two pages and two other viewers.
vi.setConfig({ maxConcurrency: 4 });

let site: FaultyLiveSite;
let tracker: Tracker;
let browser: Browser;

beforeAll(async () => {
  await buildForBrowsers({ isForced: false });
  site = await FaultyLiveSite.start(path.join(root, 'player/dist'));
  tracker = await Tracker.start({
    host: '127.0.0.1',
    port: 0,
    store: { kind: 'memory' },
    logger: pino({ level: 'silent' }),
  });
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
  await tracker?.close('test ended');
  await site?.close();
});

interface Peers {
  close(): Promise<unknown>;
}

interface Situation {
  readonly shoal: FaultyViewer;
  readonly plain: FaultyViewer;
  readonly faults: BroadcastFaults;
}

interface FaultCase {
  readonly broadcast: string;
  readonly trackerUrl?: string;
  readonly clockOffsetMs?: number;
  /** Other viewers; two by default. */
  readonly peers?: readonly Peers[];
  /** Peers are too slow to deliver within the time of the test. */
  readonly areSlow?: boolean;
  /** Makes the fault and lifts it. */
  readonly fault: (situation: Situation) => Promise<void>;
}

interface Outcome {
  readonly shoal: WatchedPlayback;
  readonly plain: WatchedPlayback;
  /** How much nearer to the live edge Shoal's page was before the fault: so much less is in its buffer. */
  readonly aheadSeconds: number;
}

function headlessPeers(broadcast: string, count = 2, uplinkBps?: number): HeadlessViewer[] {
  const start = (): HeadlessViewer =>
    HeadlessViewer.start({
      playlistUrl: site.playlistUrl(broadcast),
      trackerUrl: tracker.webSocketUrl,
      telemetry: false,
      uplinkBps,
    });
  return Array.from({ length: count }, start);
}

/** Viewers that can be stopped and killed from outside, as a machine that sleeps or dies. */
class PeerProcess implements Peers {
  readonly #child: ChildProcess;

  constructor(broadcast: string) {
    this.#child = spawn(
      process.execPath,
      [
        ...['--import', 'tsx', path.join(root, 'infra/demo/headless-viewer-main.ts')],
        ...['--playlist', site.playlistUrl(broadcast), '--tracker', tracker.webSocketUrl],
      ],
      { stdio: ['pipe', 'ignore', 'inherit'] },
    );
  }

  signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
    this.#child.kill(name);
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }
}

async function untilPublished(segments: number): Promise<void> {
  const goal = site.lastNumber + segments;
  await pollUntil(() => site.lastNumber >= goal, {
    timeoutMs: 60_000,
    description: `${segments} more segments`,
  });
}

async function watchThrough(options: FaultCase): Promise<Outcome> {
  const { broadcast, fault, clockOffsetMs, trackerUrl = tracker.webSocketUrl } = options;
  const peers = options.peers ?? headlessPeers(broadcast);
  const viewers: FaultyViewer[] = [];
  try {
    const page = { siteUrl: site.url, broadcast, ...(clockOffsetMs ? { clockOffsetMs } : {}) };
    const [shoal, plain] = await Promise.all([
      FaultyViewer.open(browser, { ...page, kind: 'shoal', trackerUrl }),
      FaultyViewer.open(browser, { ...page, kind: 'plain' }),
    ]);
    viewers.push(shoal, plain);
    await Promise.all(viewers.map((viewer) => viewer.untilPlaying()));
    if (peers.length > 0) await untilPeersDeliver(shoal, peers.length, options.areSlow ? 0 : 1);
    const [shoalBefore, plainBefore] = [await shoal.watched(), await plain.watched()];
    const aheadSeconds = (plainBefore.latencySeconds ?? 0) - (shoalBefore.latencySeconds ?? 0);
    for (const { page } of viewers) await page.evaluate(() => window.resetWatch());
    await fault({ shoal, plain, faults: site.faults(broadcast) });
    await Promise.all(viewers.map((viewer) => viewer.untilPlayed(4, 60_000)));
    return { shoal: await shoal.watched(), plain: await plain.watched(), aheadSeconds };
  } finally {
    await Promise.all([...viewers, ...peers].map((each) => each.close()));
  }
}

async function untilPeersDeliver(
  viewer: FaultyViewer,
  count: number,
  leastBytes = 1,
): Promise<void> {
  await pollUntil(
    async () => {
      const { peerCount, peerBytes } = await viewer.watched();
      return peerCount >= count && peerBytes >= leastBytes;
    },
    { timeoutMs: 60_000, description: 'peers deliver', intervalMs: 250 },
  );
}

function expectNoWorseThanPlain({ shoal, plain }: Outcome): void {
  expect(shoal.problems).toEqual([]);
  expect(shoal.starvedSeconds).toBeLessThanOrEqual(plain.starvedSeconds + toleranceSeconds);
}

describe.concurrent('a fault of the CDN while peers have the segments', () => {
  const faults: SegmentFault[] = ['404', '503', 'slow', 'truncated', 'wrong-bytes', 'hangs'];
  it.for(faults)('plays on through 10 s of %s', async (kind) => {
    const outcome = await watchThrough({
      broadcast: `cdn-${kind}`,
      fault: async ({ faults }) => {
        faults.segments = kind;
        await untilPublished(faultSegments);
        faults.segments = 'none';
        expect(faults.count).toBeGreaterThan(0);
      },
    });
    expectNoWorseThanPlain(outcome);
    const { shoal, plain } = outcome;
    expect(shoal.starvedSeconds).toBeLessThanOrEqual(Math.max(1, plain.starvedSeconds / 3));
  });
});

describe.concurrent('a fault of playlists, peers or the tracker', () => {
  it('stands still no longer than plain hls.js while the playlist is unavailable for 10 s', async () => {
    const outcome = await watchThrough({
      broadcast: 'playlist',
      fault: async ({ faults, shoal }) => {
        const guardChanges = () => shoal.page.evaluate(() => window.guardChanges);
        const before = await guardChanges();
        faults.playlists = '503';
        await untilPublished(faultSegments);
        faults.playlists = 'none';
        expect(faults.count).toBeGreaterThan(0);
        // The peers had no part in it: the guard must not blame them.
        const since = (await guardChanges()).slice(before.length);
        expect(since.filter(({ reason }) => reason?.includes('stall'))).toEqual([]);
      },
    });
    const { shoal, plain, aheadSeconds } = outcome;
    expect(shoal.problems).toEqual([]);
    // Nobody plays on without playlists: who is nearer to the edge waits longer, and the two do not ask
    // for them at the same moment.
    expect(shoal.starvedSeconds).toBeLessThanOrEqual(
      plain.starvedSeconds + Math.max(0, aheadSeconds) + playlistRetrySeconds + toleranceSeconds,
    );
  });

  it('plays on when all peers vanish at once', async () => {
    const peers = [new PeerProcess('vanish'), new PeerProcess('vanish')];
    const outcome = await watchThrough({
      broadcast: 'vanish',
      peers,
      fault: async () => {
        for (const peer of peers) peer.signal('SIGKILL');
        await untilPublished(faultSegments);
      },
    });
    expectNoWorseThanPlain(outcome);
  });

  it('plays on when all peers stop answering in the middle of a piece', async () => {
    const peers = [new PeerProcess('silent'), new PeerProcess('silent')];
    const outcome = await watchThrough({
      broadcast: 'silent',
      peers,
      fault: async () => {
        for (const peer of peers) peer.signal('SIGSTOP');
        await untilPublished(faultSegments);
        for (const peer of peers) peer.signal('SIGCONT');
      },
    });
    expectNoWorseThanPlain(outcome);
  });

  it('plays on when every peer is slow', async () => {
    const outcome = await watchThrough({
      broadcast: 'slow-peers',
      peers: headlessPeers('slow-peers', 2, 50_000),
      areSlow: true,
      fault: () => untilPublished(faultSegments),
    });
    expectNoWorseThanPlain(outcome);
  });

  it('plays on without a tracker from the start', async () => {
    const outcome = await watchThrough({
      broadcast: 'no-tracker',
      trackerUrl: 'ws://127.0.0.1:9',
      peers: [],
      fault: () => untilPublished(faultSegments),
    });
    expectNoWorseThanPlain(outcome);
  });

  it('plays on when the tracker dies, and meets others again when it is back', async () => {
    const gate = await TcpGate.start(tracker.url);
    const late: Peers[] = [];
    try {
      const outcome = await watchThrough({
        broadcast: 'tracker-dies',
        trackerUrl: gate.url.replace('http', 'ws'),
        fault: async ({ shoal }) => {
          await gate.shut();
          await untilPublished(faultSegments);
          await gate.open();
          late.push(...headlessPeers('tracker-dies'));
          await untilPeersDeliver(shoal, 3);
        },
      });
      expectNoWorseThanPlain(outcome);
    } finally {
      await Promise.all(late.map((peer) => peer.close()));
      await gate.shut();
    }
  });
});

describe.concurrent('a viewer who is out of the ordinary', () => {
  it('plays with a clock that is five minutes off', async () => {
    const outcome = await watchThrough({
      broadcast: 'clock',
      clockOffsetMs: 300_000,
      fault: () => untilPublished(faultSegments),
    });
    expectNoWorseThanPlain(outcome);
  });

  it('plays through a storm of level switches', async () => {
    const outcome = await watchThrough({
      broadcast: 'ladder-storm',
      fault: async ({ shoal, plain }) => {
        await Promise.all(
          [shoal, plain].map(({ page }) => page.evaluate(() => window.switchLevels(20, 500))),
        );
      },
    });
    expectNoWorseThanPlain(outcome);
  });

  it('plays on after 50 seeks', async () => {
    const outcome = await watchThrough({
      broadcast: 'seeks',
      fault: async ({ shoal, plain }) => {
        await Promise.all(
          [shoal, plain].map(({ page }) => page.evaluate(() => window.seekAround(50, 200))),
        );
      },
    });
    expectNoWorseThanPlain(outcome);
  });

  it('leaves nothing behind when it is destroyed while it loads', async () => {
    const peers = headlessPeers('destroyed');
    const viewer = await FaultyViewer.open(browser, {
      siteUrl: site.url,
      broadcast: 'destroyed',
      kind: 'shoal',
      trackerUrl: tracker.webSocketUrl,
      opens: 'later',
    });
    try {
      await viewer.page.evaluate(() => window.openAndDestroy(20));
      await pollUntil(async () => (await viewer.watched()).openConnections === 0, {
        timeoutMs: 30_000,
        description: 'every connection is closed',
        intervalMs: 250,
      });
      expect((await viewer.watched()).problems).toEqual([]);
    } finally {
      await viewer.close();
      await Promise.all(peers.map((peer) => peer.close()));
    }
  });
});
