// What two trackers on one real Redis know together: sockets of an address and of a token, revoked
// tokens, who counts a beacon. And that each goes on alone while Redis is away.

import { Tracker, type TrackerOptions } from '@shoal/tracker';
import type { PlayerConfig } from '@shoal/tracker/protocol';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { signViewerToken } from '../../tracker/admission/viewer-token.ts';
import { BeaconClaims } from '../../tracker/shared/beacon-claims.ts';
import { AnnouncingViewer } from '../support/announcing-viewer.ts';
import { postBeacon } from '../support/beacons.ts';
import { pollUntil } from '../support/poll-until.ts';
import { RedisServer } from '../support/redis-server.ts';

const secret = 'a secret of at least 32 characters';
const dashboardToken = 'token-of-the-dashboard';
let redis: RedisServer;
const cleanups: (() => Promise<unknown>)[] = [];
const viewers: AnnouncingViewer[] = [];

beforeAll(async () => {
  redis = await RedisServer.start();
});

afterEach(async () => {
  for (const viewer of viewers.splice(0)) viewer.socket.terminate();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

afterAll(async () => {
  await redis.kill();
});

async function startTracker(options: Partial<TrackerOptions> = {}): Promise<Tracker> {
  const tracker = await Tracker.start({ port: 0, drainMs: 0, redisUrl: redis.url, ...options });
  cleanups.push(() => tracker.close('the test is over'));
  return tracker;
}

async function join(tracker: Tracker, path = '/'): Promise<AnnouncingViewer> {
  const viewer = await AnnouncingViewer.connect(`${tracker.webSocketUrl}${path}`, 'viewer');
  viewers.push(viewer);
  return viewer;
}

describe('trackers that share Redis', () => {
  it('hold an address to its number of sockets together, and forget those that are gone', async () => {
    const [one, two] = [
      await startTracker({ maxSocketsPerAddress: 3 }),
      await startTracker({ maxSocketsPerAddress: 3 }),
    ];
    const first = await join(one);
    await join(two);
    await join(two);
    await expect(join(one)).rejects.toThrow('HTTP 429');
    await expect(join(two)).rejects.toThrow('HTTP 429');
    first.socket.terminate();
    await pollUntil(() => join(two).catch(() => null), {
      timeoutMs: 5_000,
      description: 'room on the other tracker after one has left',
    });
    // A tracker that stops gives its places back.
    await two.close('it stops');
    for (let count = 0; count < 3; count += 1) await join(one);
    await expect(join(one)).rejects.toThrow('HTTP 429');
  });

  it('let a token be used as often as it says, wherever', async () => {
    const options = { viewerTokenSecret: secret };
    const [one, two] = [await startTracker(options), await startTracker(options)];
    const token = await signViewerToken(secret, {
      stream: 'demo',
      lifetimeSeconds: 60,
      maxSockets: 1,
    });
    await join(one, `/?token=${token}`);
    await expect(join(two, `/?token=${token}`)).rejects.toThrow('HTTP 401');
    const text = await (await fetch(`${two.url}/metrics`)).text();
    expect(text).toContain('shoal_tracker_refused_sockets_total{reason="replay"} 1');
  });

  it('send a viewer away whose token was revoked at any of them', async () => {
    const options = { viewerTokenSecret: secret, dashboardToken, isTokenEndpointOpen: true };
    const [one, two] = [await startTracker(options), await startTracker(options)];
    const response = await fetch(`${one.url}/api/v1/viewer-token?stream=demo`);
    const { token } = (await response.json()) as { token: string };
    const viewer = await join(two, `/?token=${token}`);
    const friend = await join(
      two,
      `/?token=${await signViewerToken(secret, { stream: 'demo', lifetimeSeconds: 60 })}`,
    );
    const revoke = (headers: Record<string, string>): Promise<Response> =>
      fetch(`${one.url}/api/v1/revocations`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ token }),
      });
    expect((await revoke({})).status).toBe(401);
    expect((await revoke({ authorization: `Bearer ${dashboardToken}` })).status).toBe(204);
    await pollUntil(() => viewer.closeCode === 1008, {
      timeoutMs: 10_000,
      description: 'the end of the viewer’s socket on the other tracker',
    });
    await expect(join(one, `/?token=${token}`)).rejects.toThrow('HTTP 401');
    await expect(join(two, `/?token=${token}`)).rejects.toThrow('HTTP 401');
    expect(friend.closeCode).toBeNull();
    expect(await postBeacon(`${one.url}`)).toBe(401);
  });

  it('tell players the same, whichever the operator told', async () => {
    const options = { dashboardToken, playerConfig: { minViewers: 3 } };
    const [one, two] = [await startTracker(options), await startTracker(options)];
    const configOf = async (tracker: Tracker): Promise<PlayerConfig> =>
      (await (await fetch(`${tracker.url}/api/v1/player-config`)).json()) as PlayerConfig;
    const put = async (tracker: Tracker, change: Partial<PlayerConfig>): Promise<number> => {
      const response = await fetch(`${tracker.url}/api/v1/player-config`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${dashboardToken}` },
        body: JSON.stringify(change),
      });
      return response.status;
    };
    const untilBothSay = (expected: Partial<PlayerConfig>): Promise<unknown> =>
      pollUntil(
        async () => {
          const configs = [await configOf(one), await configOf(two)];
          expect(configs[0]).toMatchObject(expected);
          return configs[0]?.version === configs[1]?.version;
        },
        { timeoutMs: 10_000, description: 'the same on both trackers' },
      );
    // Of one environment: nothing to read anew for players that meet the other tracker.
    await untilBothSay({ p2p: true, minViewers: 3 });
    expect(await put(one, { p2p: false })).toBe(200);
    await untilBothSay({ p2p: false, minViewers: 3 });
    // A change at the other one is a change of what counts, not of its own environment.
    expect(await put(two, { minViewers: 5 })).toBe(200);
    expect(await configOf(two)).toMatchObject({ p2p: false, minViewers: 5 });
    await pollUntil(async () => (await configOf(one)).minViewers === 5, {
      timeoutMs: 10_000,
      description: 'the first tracker hears of it',
    });
    // One that starts later, and a Redis that has forgotten everything.
    const three = await startTracker(options);
    expect(await configOf(three)).toEqual(await configOf(one));
    const client = new Redis(redis.url);
    cleanups.push(async () => client.disconnect());
    await client.del('shoal-player-config');
    await pollUntil(async () => (await client.get('shoal-player-config')) !== null, {
      timeoutMs: 10_000,
      description: 'the trackers remind it',
    });
    expect(await configOf(await startTracker(options))).toMatchObject({ p2p: false });
    // For the tests after this one.
    await put(one, { p2p: true });
  });

  it('count a beacon once that is repeated to another', async () => {
    // Stores of their own: nothing but Redis can tell them.
    const [one, two] = [await startTracker(), await startTracker()];
    const countedAt = async (tracker: Tracker): Promise<number> => {
      const text = await (await fetch(`${tracker.url}/metrics`)).text();
      return Number(/result="counted"\} (\d+)/.exec(text)?.[1] ?? 0);
    };
    const sequences = [0, 1, 2, 3, 4, 5, 6, 7];
    const session = 'session-that-is-repeated';
    const statuses: number[] = [];
    for (const sequence of sequences) {
      statuses.push(await postBeacon(one.url, { session, sequence }));
      statuses.push(await postBeacon(two.url, { session, sequence }));
    }
    expect(new Set(statuses)).toEqual(new Set([204]));
    expect([await countedAt(one), await countedAt(two)]).toEqual([8, 0]);
    // At the same moment: one counts it, the other says "again" until it is stored.
    const race = await Promise.all([
      postBeacon(one.url, { session, sequence: 8 }),
      postBeacon(two.url, { session, sequence: 8 }),
    ]);
    expect(race.sort()).toEqual([204, 503]);
    expect(await postBeacon(two.url, { session, sequence: 8 })).toBe(204);
    expect((await countedAt(one)) + (await countedAt(two))).toBe(9);
  });

  it('let another tracker count what one has claimed and never stored', async () => {
    const client = new Redis(redis.url);
    cleanups.push(async () => client.disconnect());
    const [dying, other] = [new BeaconClaims(client, 'dying'), new BeaconClaims(client, 'other')];
    const session = 'session-of-a-dead-one';
    expect(await dying.claim(session, 3)).toBe('ours');
    expect(await other.claim(session, 3)).toBe('elsewhere');
    expect(await dying.claim(session, 3)).toBe('ours');
    // Its time runs out: as if 15 s had passed.
    const past = `dying:${Date.now() - 1}`;
    await client.hset(`shoal-beacons:{${session}}`, '3', past);
    expect(await other.claim(session, 3)).toBe('ours');
    other.confirm(session, 3);
    await pollUntil(async () => (await dying.claim(session, 3)) === 'counted', {
      timeoutMs: 5_000,
      description: 'the confirmation',
    });
  });

  it('go on alone while Redis is away, and together again afterwards', async () => {
    const [one, two] = [
      await startTracker({ maxSocketsPerAddress: 2 }),
      await startTracker({ maxSocketsPerAddress: 2 }),
    ];
    await join(one);
    await redis.kill();
    await join(one);
    await join(two);
    // Its own limit holds.
    await expect(join(one)).rejects.toThrow('HTTP 429');
    expect(await postBeacon(one.url, { session: 'session-without-redis' })).toBe(204);
    await redis.resume();
    const session = 'session-after-redis';
    await pollUntil(
      async () => {
        const sequence = Math.floor(Math.random() * 1e9);
        await postBeacon(one.url, { session, sequence });
        await postBeacon(two.url, { session, sequence });
        const text = await (await fetch(`${two.url}/metrics`)).text();
        return text.includes('shoal_beacons_total{result="repeated"}');
      },
      { timeoutMs: 15_000, description: 'a repeat that the other tracker knows of' },
    );
  });

  it('starts without Redis and joins it later', async () => {
    await redis.kill();
    const tracker = await startTracker();
    expect(await postBeacon(tracker.url)).toBe(204);
    await redis.resume();
    expect((await fetch(`${tracker.url}/readyz`)).status).toBe(200);
  });
});
