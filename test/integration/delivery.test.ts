// Headless viewers on real data channels through the real tracker, against an origin that counts:
// who delivers, that every byte is accounted for, and what a dead tracker or a liar can do.

import { createHash } from 'node:crypto';
import type { MediaSegment } from '@shoal/player/delivery';
import { signViewerToken, Tracker } from '@shoal/tracker';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { HeadlessViewer, type HeadlessViewerOptions } from '../../infra/demo/headless-viewer.ts';
import { CorruptedServing } from '../support/corrupting-viewer.ts';
import { pollUntil } from '../support/poll-until.ts';
import {
  SyntheticLiveOrigin,
  type SyntheticLiveOriginOptions,
} from '../support/synthetic-live-origin.ts';

/** Upper bound of the synthetic init section, which the origin does not count. */
const initBytes = 100;
const tokenSecret = 'a secret of at least 32 characters';

/** What one test starts. Tests run side by side: each ends its own. */
class Stage implements AsyncDisposable {
  readonly #running: { close(): Promise<unknown> }[] = [];

  async origin(options: Partial<SyntheticLiveOriginOptions> = {}): Promise<SyntheticLiveOrigin> {
    const origin = await SyntheticLiveOrigin.start({
      ...options,
      targetDurationSeconds: 2,
      bitrateBps: 1_000_000,
      windowSegments: 12,
    });
    this.#running.push(origin);
    return origin;
  }

  async tracker(viewerTokenSecret: string | null = null): Promise<Tracker> {
    const tracker = await Tracker.start({
      host: '127.0.0.1',
      port: 0,
      store: { kind: 'memory' },
      viewerTokenSecret,
      logger: pino({ level: 'silent' }),
    });
    this.#running.push({ close: () => tracker.close('test ended') });
    return tracker;
  }

  watch(options: HeadlessViewerOptions): HeadlessViewer {
    const viewer = HeadlessViewer.start({ telemetry: false, ...options });
    this.#running.push(viewer);
    return viewer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of this.#running.splice(0).reverse()) await each.close();
  }
}

async function untilMeshed(viewers: readonly HeadlessViewer[]): Promise<void> {
  await pollUntil(() => viewers.every((viewer) => viewer.stats.peerCount >= viewers.length - 1), {
    timeoutMs: 30_000,
    description: 'every viewer is connected with every other',
  });
}

async function untilPublished(origin: SyntheticLiveOrigin, count: number): Promise<void> {
  const goal = origin.lastSequenceNumber + count;
  await pollUntil(() => origin.lastSequenceNumber >= goal, {
    timeoutMs: 60_000,
    description: `${count} more segments`,
  });
}

function sum(
  viewers: readonly HeadlessViewer[],
  name: 'cdnBytes' | 'peerBytes' | 'uploadedBytes' | 'discardedBytes',
): number {
  return viewers.reduce((total, viewer) => total + viewer.stats[name], 0);
}

async function offloadOfNext(
  count: number,
  origin: SyntheticLiveOrigin,
  viewers: readonly HeadlessViewer[],
): Promise<number> {
  const before = { cdn: sum(viewers, 'cdnBytes'), peer: sum(viewers, 'peerBytes') };
  await untilPublished(origin, count);
  const cdnBytes = sum(viewers, 'cdnBytes') - before.cdn;
  const peerBytes = sum(viewers, 'peerBytes') - before.peer;
  return peerBytes / (peerBytes + cdnBytes);
}

describe.concurrent.each(['shoal', 'p2p-media-loader'] as const)(
  'delivery among viewers by %s',
  (exchange) => {
    it('lets viewers deliver most of the bytes to each other and accounts for every one', {
      timeout: 150_000,
    }, async () => {
      await using stage = new Stage();
      const origin = await stage.origin();
      const tracker = await stage.tracker();
      const options = {
        playlistUrl: origin.playlistUrl,
        trackerUrl: tracker.webSocketUrl,
        exchange,
      };
      const viewers = [stage.watch(options), stage.watch(options), stage.watch(options)];
      await untilMeshed(viewers);
      // The most possible is 2/3: somebody has to fetch each segment once. Other programs may
      // starve this machine for a while, and then every scheme stampedes to the CDN.
      await pollUntil(async () => (await offloadOfNext(9, origin, viewers)) > 0.5, {
        timeoutMs: 75_000,
        description: 'viewers deliver more than half of nine segments to each other',
      });
      for (const viewer of viewers) expect(viewer.stats.stallCount).toBe(0);
      // What the origin sent was played or discarded, give or take what is under way now.
      const accountedBytes = sum(viewers, 'cdnBytes') + sum(viewers, 'discardedBytes');
      expect(origin.sentBytes - accountedBytes).toBeLessThan(3 * origin.segmentSizeBytes);
      expect(sum(viewers, 'cdnBytes')).toBeLessThanOrEqual(origin.sentBytes + 3 * initBytes);
      expect(sum(viewers, 'uploadedBytes')).toBeGreaterThanOrEqual(sum(viewers, 'peerBytes'));
    });

    it('goes on without a stall when the tracker dies', async () => {
      await using stage = new Stage();
      const origin = await stage.origin();
      const tracker = await stage.tracker();
      const options = {
        playlistUrl: origin.playlistUrl,
        trackerUrl: tracker.webSocketUrl,
        exchange,
      };
      const viewers = [stage.watch(options), stage.watch(options)];
      await untilMeshed(viewers);
      await tracker.close('killed');
      const played = viewers.map((viewer) => viewer.stats.playedSeconds);
      await untilPublished(origin, 6);
      for (const [index, viewer] of viewers.entries()) {
        expect(viewer.stats.playedSeconds - (played[index] ?? 0)).toBeGreaterThan(9);
        expect(viewer.stats.stallCount).toBe(0);
      }
    });

    it('plays from the CDN when there was never a tracker', async () => {
      await using stage = new Stage();
      const origin = await stage.origin();
      const viewer = stage.watch({
        playlistUrl: origin.playlistUrl,
        trackerUrl: 'ws://127.0.0.1:9',
        exchange,
      });
      await untilPublished(origin, 4);
      expect(viewer.stats.playedSeconds).toBeGreaterThan(4);
      expect(viewer.stats.stallCount).toBe(0);
      expect(viewer.stats.offloadRatio).toBe(0);
    });

    it('lets no byte of a corrupting peer reach a media buffer and drops the peer', async () => {
      await using stage = new Stage();
      const origin = await stage.origin();
      const tracker = await stage.tracker();
      const options = {
        playlistUrl: origin.playlistUrl,
        trackerUrl: tracker.webSocketUrl,
        exchange,
      };
      const liar = new CorruptedServing();
      stage.watch({ ...options, serve: liar.serve });
      const wrong: string[] = [];
      let checked = 0;
      const honest = stage.watch({
        ...options,
        onSegment: (segment, bytes) => {
          checked += 1;
          const digest = createHash('sha256').update(new Uint8Array(bytes)).digest('hex');
          if (digest !== segment.digest) wrong.push(segment.url);
        },
      });
      await pollUntil(() => liar.servedCount > 0, {
        timeoutMs: 40_000,
        description: 'the corrupting viewer has served something',
      });
      await untilPublished(origin, 6);
      expect(wrong).toEqual([]);
      expect(checked).toBeGreaterThan(5);
      expect(honest.stats.discardedBytes).toBeGreaterThan(0);
      expect(honest.stats.peerBytes).toBe(0);
      expect(honest.stats.stallCount).toBe(0);
    });
  },
);

// By p2p-media-loader too in test/e2e/hls-delivery.test.ts.
it.concurrent('exchanges pictures and sound of an audio group over the same links, with viewer tokens', async () => {
  await using stage = new Stage();
  // Two pieces of sound a segment, as at 128 kbit/s.
  const origin = await stage.origin({ audioBitrateBps: 128_000 });
  const tracker = await stage.tracker(tokenSecret);
  const sound: MediaSegment[] = [];
  const wrong: string[] = [];
  let givenBytes = 0;
  const options = {
    playlistUrl: origin.playlistUrl,
    trackerUrl: tracker.webSocketUrl,
    viewerToken: await signViewerToken(tokenSecret, { stream: 'demo', lifetimeSeconds: 600 }),
    onSegment: (segment: MediaSegment, bytes: ArrayBuffer) => {
      givenBytes += bytes.byteLength;
      if (segment.url.includes('/audio/')) sound.push(segment);
      const digest = createHash('sha256').update(new Uint8Array(bytes)).digest('hex');
      if (digest !== segment.digest) wrong.push(segment.url);
    },
  };
  const viewers = [stage.watch(options), stage.watch(options), stage.watch(options)];
  await untilMeshed(viewers);
  await untilPublished(origin, 2);
  const before = { sent: origin.sentAudioBytes, played: sound.length };
  await untilPublished(origin, 5);
  const playedBytes = (sound.length - before.played) * origin.audioSegmentSizeBytes;
  // The most possible is 2/3: somebody has to fetch each segment once.
  expect(1 - (origin.sentAudioBytes - before.sent) / playedBytes).toBeGreaterThan(0.5);
  expect(wrong).toEqual([]);
  expect(sum(viewers, 'cdnBytes')).toBeLessThanOrEqual(origin.sentBytes + 6 * initBytes);
  for (const viewer of viewers) expect(viewer.stats.stallCount).toBe(0);
  // Every byte of both tracks is counted once, and nothing else but the init sections.
  const countedBytes = sum(viewers, 'cdnBytes') + sum(viewers, 'peerBytes');
  expect(countedBytes).toBeGreaterThanOrEqual(givenBytes);
  expect(countedBytes).toBeLessThanOrEqual(givenBytes + 6 * initBytes);
});
