// Beacons against a real HTTP server: sums, repeats under one number, the last one.
// player/telemetry/beacon-reporter.ts; only the clock is a fake.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DeliveryBeacon } from '@shoal/tracker/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  BeaconReporter,
  type BeaconState,
  type BeaconTotals,
} from '../../../player/telemetry/beacon-reporter.ts';
import { parseBeacon } from '../../../tracker/telemetry/beacon-schema.ts';

interface Collector {
  readonly url: string;
  readonly beacons: DeliveryBeacon[];
  /** Path and query of each. */
  readonly targets: string[];
  answer: number;
}

let server: Server;
let collector: Collector;
let totals: BeaconTotals;
let reporter: BeaconReporter | null = null;
let versions: number[] = [];

beforeEach(async () => {
  // Sockets need the real immediates and ticks.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const beacons: DeliveryBeacon[] = [];
  const targets: string[] = [];
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      beacons.push(JSON.parse(body));
      targets.push(request.url ?? '');
      response.writeHead(collector.answer, { 'shoal-player-config': '17' }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  collector = { url: `http://127.0.0.1:${port}`, beacons, targets, answer: 204 };
  further = {};
  token = undefined;
  canRenew = false;
  versions = [];
  totals = {
    cdnBytes: 0,
    peerBytes: 0,
    uploadedBytes: 0,
    relayedBytes: 0,
    discardedBytes: 0,
    stallCount: 0,
    stallSeconds: 0,
    playedSeconds: 0,
  };
});

afterEach(async () => {
  await reporter?.end(false);
  reporter = null;
  vi.useRealTimers();
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
});

/** Beside what the first versions told; the reporter leaves out what is nothing. */
let further: Pick<BeaconState, 'heldOut' | 'guard'> = {};

let token: string | undefined;
let canRenew = false;

function start(): BeaconReporter {
  reporter = new BeaconReporter({
    url: collector.url,
    token: () => token,
    onTokenRefused: () => canRenew,
    session: 'session-for-this-test',
    stream: 'demo',
    totals: () => ({ ...totals }),
    state: () => ({
      rendition: '720p',
      startupSeconds: 0.4,
      liveLatencySeconds: 6,
      peerCount: 2,
      p2pEnabled: true,
      ...further,
    }),
    onConfigVersion: (version) => versions.push(version),
    fetch: (input, init) => fetch(input, init),
    nowMs: () => Date.now(),
  });
  return reporter;
}

/** Lets the fake time pass and waits for the beacon that it brings. */
async function passUntilBeacon(count: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(5_000);
  await vi.waitUntil(() => collector.beacons.length >= count, { timeout: 5_000 });
  // The answer has to reach the reporter before the next interval begins.
  await vi.waitUntil(() => vi.getTimerCount() > 0, { timeout: 5_000 });
}

describe('BeaconReporter', () => {
  it('reports differences that add up to the totals', async () => {
    const subject = start();
    totals = { ...totals, cdnBytes: 1_000, peerBytes: 4_000 };
    await passUntilBeacon(1);
    totals = { ...totals, cdnBytes: 1_500, peerBytes: 9_000 };
    await subject.end(false);
    const sum = (name: 'cdnBytes' | 'peerBytes'): number =>
      // A beacon whose answer had not been read yet is repeated under its number.
      [...new Map(collector.beacons.map((beacon) => [beacon.sequence, beacon])).values()].reduce(
        (total, beacon) => total + beacon[name],
        0,
      );
    expect(sum('cdnBytes')).toBe(1_500);
    expect(sum('peerBytes')).toBe(9_000);
    expect([...new Set(collector.beacons.map((beacon) => beacon.sequence))]).toEqual([0, 1]);
    expect(collector.beacons.at(-1)?.ended).toBe(true);
  });

  it('tells errors, late pieces, the guard and the hold-out when there are any', async () => {
    const subject = start();
    await passUntilBeacon(1);
    totals = { ...totals, errorCount: 2, cdnTroubleCount: 3, lateBytes: 4_000 };
    further = { heldOut: true, guard: 'careful' };
    await subject.end(false);
    const names = ['errorCount', 'cdnTroubleCount', 'lateBytes', 'heldOut', 'guard'] as const;
    const [calm, troubled] = collector.beacons;
    for (const name of names) expect(calm).not.toHaveProperty(name);
    expect(troubled).toMatchObject({
      ...{ errorCount: 2, cdnTroubleCount: 3, lateBytes: 4_000 },
      ...{ heldOut: true, guard: 'careful' },
    });
    if (troubled) expect(parseBeacon(troubled)).toMatchObject({ heldOut: true, lateBytes: 4_000 });
  });

  it('hands on the version of the player config that answers name', async () => {
    const subject = start();
    await passUntilBeacon(1);
    await subject.end(false);
    expect(versions).toEqual([17, 17]);
  });

  it('tells the start-up time once', async () => {
    const subject = start();
    await passUntilBeacon(1);
    await subject.end(false);
    expect(collector.beacons.map((beacon) => beacon.startupSeconds)).toEqual([0.4, null]);
  });

  it('repeats an unanswered beacon under its number with its counters', async () => {
    const subject = start();
    collector.answer = 503;
    totals = { ...totals, cdnBytes: 700 };
    await passUntilBeacon(1);
    totals = { ...totals, cdnBytes: 900 };
    collector.answer = 204;
    await vi.advanceTimersByTimeAsync(60_000);
    await vi.waitUntil(() => collector.beacons.length >= 2, { timeout: 5_000 });
    await subject.end(false);
    const [first, second] = collector.beacons;
    expect(second).toEqual(first);
    expect(first?.cdnBytes).toBe(700);
  });

  it('keeps its counters for a new token where one can come, and takes it for them', async () => {
    const subject = start();
    token = 'old';
    collector.answer = 403;
    canRenew = true;
    totals = { ...totals, cdnBytes: 700 };
    await passUntilBeacon(1);
    token = 'new';
    collector.answer = 204;
    await vi.advanceTimersByTimeAsync(60_000);
    await vi.waitUntil(() => collector.beacons.length >= 2, { timeout: 5_000 });
    await subject.end(false);
    const [first, second] = collector.beacons;
    expect(second).toEqual(first);
    expect(collector.targets.slice(0, 2)).toEqual([
      '/api/v1/beacons?token=old',
      '/api/v1/beacons?token=new',
    ]);
  });

  it('counts as told what a tracker refuses for good', async () => {
    const subject = start();
    token = 'old';
    collector.answer = 403;
    totals = { ...totals, cdnBytes: 700 };
    await passUntilBeacon(1);
    await subject.end(false);
    expect(collector.beacons.map(({ cdnBytes }) => cdnBytes)).toEqual([700, 0]);
  });

  it('ends once', async () => {
    const subject = start();
    await subject.end(false);
    await subject.end(false);
    expect(collector.beacons.filter((beacon) => beacon.ended)).toHaveLength(1);
  });
});
