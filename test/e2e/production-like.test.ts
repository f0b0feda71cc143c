// The production-like set from Debian's packages: a broadcast goes in and is watched through the edge
// alone, then each part is killed in turn and viewers say what they noticed of it.

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HeadlessViewer } from '../../infra/demo/headless-viewer.ts';
import {
  ProductionLikeSet,
  type Replica,
} from '../../infra/production-like/production-like-set.ts';
import { BrowserViewer } from '../support/browser-viewer.ts';
import { launchChromium } from '../support/chromium.ts';
import { KillablePublisher } from '../support/killable-publisher.ts';
import { pollUntil } from '../support/poll-until.ts';

const stream = 'production';
const key = 'key-of-the-test';
/** More than viewers have buffered: what they play then was made, listed and fetched afterwards. */
const playedAfterFaultSeconds = 6;
/** What a machine that is busy may take from a viewer; a part that is missed takes more. */
const hiccupSeconds = 1.5;

interface Noticed {
  readonly viewer: string;
  readonly stallSeconds: number;
}

describe('the production-like set', () => {
  let set: ProductionLikeSet;
  let publisher: KillablePublisher | null = null;
  let browser: Browser;
  let page: BrowserViewer;
  /** Two of Shoal's viewers, and one that knows no tracker, as a plain player. */
  let headless: readonly HeadlessViewer[] = [];
  const hostsAsked = new Set<string>();
  const playlistPath = `/live/${stream}/index.m3u8`;

  beforeAll(async () => {
    set = await ProductionLikeSet.start({
      streamKeys: `${stream}:${key}`,
      environment: { SHOAL_LADDER: 'small:320x180:400000:64000' },
    });
    await publish();
    await pollUntil(async () => (await fetch(`${set.url}${playlistPath}`)).ok, {
      timeoutMs: 60_000,
      description: 'the broadcast has a playlist at the edge',
    });
    browser = await launchChromium();
    const context = await browser.newContext({ viewport: { width: 480, height: 320 } });
    context.on('request', (request) => hostsAsked.add(new URL(request.url()).host));
    page = await BrowserViewer.openIn(context, `${set.url}/watch/${stream}`);
    headless = [set.trackerUrl, set.trackerUrl, null].map((trackerUrl) =>
      HeadlessViewer.start({ playlistUrl: `${set.url}${playlistPath}`, trackerUrl }),
    );
    await page.untilPlaying(60_000);
  }, 240_000);

  afterAll(async () => {
    await browser?.close();
    for (const viewer of headless) await viewer.close();
    await publisher?.kill();
    await set?.close();
  });

  /** As an encoder does: tries until it is let in. */
  async function publish(): Promise<void> {
    const whipUrl = `${set.url}/whip/${stream}`;
    publisher = await pollUntil(() => KillablePublisher.start({ whipUrl, key, codec: 'h264' }), {
      timeoutMs: 60_000,
      description: 'the publisher is let in',
      intervalMs: 500,
    });
  }

  async function positions(): Promise<readonly number[]> {
    const { positionSeconds } = await page.media();
    return [positionSeconds, ...headless.map(({ stats }) => stats.playedSeconds)];
  }

  /** Until every viewer has played so much more. */
  async function untilPlayed(seconds: number, timeoutMs = 60_000): Promise<void> {
    const from = await positions();
    await pollUntil(
      async () => {
        const now = await positions();
        return now.every((position, index) => position >= (from[index] ?? 0) + seconds);
      },
      { timeoutMs, description: `all viewers play ${seconds} s more`, intervalMs: 250 },
    );
  }

  async function stalls(): Promise<readonly Noticed[]> {
    const { stallSeconds } = await page.stats();
    const names = ['headless', 'headless', 'plain'];
    return [
      { viewer: 'page', stallSeconds },
      ...headless.map(({ stats }, index) => ({
        viewer: names[index] ?? '',
        stallSeconds: stats.stallSeconds,
      })),
    ];
  }

  /** What viewers noticed while `fault` was done, and for a while after. */
  async function during(fault: () => Promise<unknown>): Promise<readonly Noticed[]> {
    const before = await stalls();
    await fault();
    await untilPlayed(playedAfterFaultSeconds);
    const after = await stalls();
    return after.map(({ viewer, stallSeconds }, index) => ({
      viewer,
      stallSeconds: stallSeconds - (before[index]?.stallSeconds ?? 0),
    }));
  }

  function expectNothing(seen: readonly Noticed[]): void {
    const plain = seen.find(({ viewer }) => viewer === 'plain')?.stallSeconds ?? 0;
    expect(seen.filter(({ stallSeconds }) => stallSeconds > plain + hiccupSeconds)).toEqual([]);
    expect(page.pageErrors).toEqual([]);
  }

  /** The replica with the metric at more than zero. */
  async function replicaWith(
    replicas: readonly Replica[],
    metric: string,
  ): Promise<Replica | null> {
    for (const replica of replicas) {
      const response = await fetch(`http://${replica.address}/metrics`).catch(() => null);
      const text = (await response?.text()) ?? '';
      if (new RegExp(`^${metric} [1-9]`, 'm').test(text)) return replica;
    }
    return null;
  }

  /** Viewers that were counted in the last moments, by any tracker. */
  async function countedViewers(): Promise<number> {
    const response = await fetch(`${set.trackerUrl}/api/v1/savings?stream=${stream}`);
    return response.ok ? (await response.json()).viewers : 0;
  }

  it('is watched through the edge alone, with peers, telemetry and metrics', async () => {
    await pollUntil(
      async () => {
        const all = [await page.stats(), ...headless.slice(0, 2).map(({ stats }) => stats)];
        return all.every(({ peerBytes }) => peerBytes > 0);
      },
      { timeoutMs: 90_000, description: 'everybody gets something from peers', intervalMs: 500 },
    );
    const edgeHosts = [new URL(set.url).host, new URL(set.trackerUrl).host];
    expect([...hostsAsked].filter((host) => !edgeHosts.includes(host))).toEqual([]);
    await pollUntil(async () => (await countedViewers()) === 3, {
      timeoutMs: 60_000,
      description: 'three viewers are counted',
      intervalMs: 500,
    });
    await pollUntil(async () => (await set.parts.prometheus.healthyTargets()).length === 5, {
      timeoutMs: 60_000,
      description: 'Prometheus scrapes two ingests and three trackers',
      intervalMs: 500,
    });
  });

  it('loses the workers of the edge, and nobody stalls', async () => {
    const seen = await during(() => set.parts.edge.killWorkers());
    expectNothing(seen);
  });

  it('loses S3, and nobody stalls', async () => {
    const seen = await during(() => set.parts.swift.kill());
    await set.parts.swift.resume();
    expectNothing(seen);
  });

  it('loses PostgreSQL, and nobody stalls', async () => {
    const seen = await during(() => set.parts.postgres.stop());
    await set.parts.postgres.resume();
    expectNothing(seen);
  });

  it('loses Redis, and nobody stalls', async () => {
    const seen = await during(() => set.parts.redis.kill());
    await set.parts.redis.resume();
    expectNothing(seen);
    // PostgreSQL has been back for a while.
    await pollUntil(async () => (await countedViewers()) === 3, {
      timeoutMs: 90_000,
      description: 'viewers are counted again',
      intervalMs: 500,
    });
  });

  it('loses the tracker that its viewers are at, and nobody stalls', async () => {
    const tracker = await replicaWith(set.parts.trackers, 'shoal_tracker_sockets');
    const seen = await during(async () => tracker?.process.kill());
    expectNothing(seen);
    const next = await pollUntil(() => replicaWith(set.parts.trackers, 'shoal_tracker_sockets'), {
      timeoutMs: 60_000,
      description: 'viewers are at another tracker',
      intervalMs: 500,
    });
    expect(next.address).not.toBe(tracker?.address);
    await tracker?.process.resume();
  });

  async function seekPage(to: number | 'live'): Promise<void> {
    await page.page.evaluate((target) => {
      const video = document.querySelector('shoal-player')?.shadowRoot?.querySelector('video');
      if (!video) return;
      // As far behind the end as players begin.
      video.currentTime = target === 'live' ? video.seekable.end(0) - 6 : target;
    }, to);
  }

  /** The media playlist at the edge: the number and the recording of each segment that it lists. */
  async function listed(): Promise<readonly { number: number; recording: string }[]> {
    const response = await fetch(`${set.url}/live/${stream}/small/index.m3u8`);
    const uris = (await response.text()).matchAll(/^(\S+)\/(\d+)\.m4s$/gm);
    return response.ok
      ? [...uris].map(([, recording = '', number]) => ({ number: Number(number), recording }))
      : [];
  }

  it('loses the ingest of the stream: the other one goes on with its playlist', async () => {
    const ingest = await replicaWith(set.parts.ingests, 'shoal_whip_sessions');
    // What waited for S3 is there, as it is when nothing else has failed a moment before.
    await pollUntil(
      async () => (await replicaWith(set.parts.ingests, 'shoal_origin_pending_objects')) === null,
      { timeoutMs: 90_000, description: 'everything is uploaded', intervalMs: 100 },
    );
    const before = await listed();
    const { positionSeconds } = await page.media();
    const seen = await during(async () => {
      await ingest?.process.kill();
      // An encoder needs seconds to notice; this one has been told.
      await publisher?.kill();
      await publish();
    });
    // Until the publisher is back there is nothing new to play.
    for (const { stallSeconds } of seen) expect(stallSeconds).toBeLessThan(45);
    expect(page.pageErrors).toEqual([]);
    const other = await replicaWith(set.parts.ingests, 'shoal_whip_sessions');
    expect(other?.address).not.toBe(ingest?.address);
    const after = await listed();
    const [first] = after;
    expect(after.map(({ number }) => number)).toEqual(
      after.map((_, index) => (first?.number ?? 0) + index),
    );
    const kept = before.filter(({ number }) => number >= (first?.number ?? 0));
    expect(kept.length).toBeGreaterThan(0);
    expect(after).toEqual(expect.arrayContaining(kept));
    expect(new Set(after.map(({ recording }) => recording)).size).toBe(2);
    // Back to what the dead one has left: it plays, through to where it was.
    await seekPage(positionSeconds - 4);
    await pollUntil(async () => (await page.media()).positionSeconds > positionSeconds + 2, {
      timeoutMs: 60_000,
      description: 'the page plays from the old segments into the new ones',
      intervalMs: 250,
    });
    expect((await page.media()).positionSeconds).toBeLessThan(positionSeconds + 8);
    await seekPage('live');
    await ingest?.process.resume();
  });

  it('loses the edge itself: playback stops, and goes on by itself when it is back', async () => {
    const starvedBefore = await page.starvedCount();
    await set.parts.edge.kill();
    // What is buffered is played to its end; then nobody moves.
    let last: readonly number[] = [];
    await pollUntil(
      async () => {
        const before = last;
        last = await positions();
        return last.every((position, index) => position === before[index]);
      },
      { timeoutMs: 120_000, description: 'viewers notice that it is gone', intervalMs: 2_000 },
    );
    expect(await page.starvedCount()).toBeGreaterThan(starvedBefore);
    await set.parts.edge.resume();
    await untilPlayed(playedAfterFaultSeconds, 120_000);
    expect(page.pageErrors).toEqual([]);
  });
});
