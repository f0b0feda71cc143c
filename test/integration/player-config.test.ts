// What an operator tells all players through the tracker: who may, when players hear of it.

import { Tracker, type TrackerOptions } from '@shoal/tracker';
import type { PlayerConfig } from '@shoal/tracker/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { RemoteConfig } from '../../player/remote-config.ts';
import { beaconWith } from '../support/beacons.ts';
import { pollUntil } from '../support/poll-until.ts';

const token = 'operator-of-this-test';
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function startTracker(options: Partial<TrackerOptions> = {}): Promise<Tracker> {
  const tracker = await Tracker.start({ port: 0, ...options });
  cleanups.push(() => tracker.close('the test is over'));
  return tracker;
}

async function read(tracker: Tracker): Promise<PlayerConfig> {
  return (await (await fetch(`${tracker.url}/api/v1/player-config`)).json()) as PlayerConfig;
}

function put(tracker: Tracker, body: unknown, bearer: string | null = token): Promise<Response> {
  return fetch(`${tracker.url}/api/v1/player-config`, {
    method: 'PUT',
    headers: {
      'content-type': 'application/json',
      ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
    },
    body: JSON.stringify(body),
  });
}

/** The headers, as a page of another origin sees them. */
async function answerToBeacon(tracker: Tracker): Promise<Headers> {
  const response = await fetch(`${tracker.url}/api/v1/beacons`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain', origin: 'https://site.example' },
    body: JSON.stringify(beaconWith()),
  });
  expect(response.status).toBe(204);
  return response.headers;
}

describe('GET and PUT /api/v1/player-config', () => {
  it('gives what the environment says, and what the operator has changed since', async () => {
    const tracker = await startTracker({
      dashboardToken: token,
      playerConfig: { p2pShare: 0.9, minViewers: 3 },
    });
    const first = await read(tracker);
    expect(first).toMatchObject({ p2p: true, p2pShare: 0.9, minViewers: 3, uploadLimitBps: null });
    const changed = await put(tracker, { p2p: false, minViewers: null });
    expect(changed.status).toBe(200);
    const second = await read(tracker);
    expect(second).toMatchObject({ p2p: false, p2pShare: 0.9, minViewers: null });
    expect(second.version).toBeGreaterThan(first.version);
  });

  it('lets nobody change anything without the operator’s token', async () => {
    const guarded = await startTracker({ dashboardToken: token });
    expect((await put(guarded, { p2p: false }, null)).status).toBe(401);
    expect((await put(guarded, { p2p: false }, 'guessed-by-somebody')).status).toBe(401);
    const open = await startTracker();
    const refused = await put(open, { p2p: false });
    expect(refused.status).toBe(403);
    expect(await refused.json()).toMatchObject({ type: 'urn:shoal:tracker:player-config-fixed' });
    expect((await read(guarded)).p2p).toBe(true);
    expect((await read(open)).p2p).toBe(true);
  });

  it('refuses what it does not know, and names it', async () => {
    const tracker = await startTracker({ dashboardToken: token });
    for (const [body, field] of [
      [{ p2pShare: 2 }, 'p2pShare'],
      [{ minViewers: 1.5 }, 'minViewers'],
      [{ killPeers: true }, 'killPeers'],
      [['p2p'], 'the body'],
    ] as const) {
      const response = await put(tracker, body);
      expect(response.status).toBe(400);
      const { detail } = (await response.json()) as { detail: string };
      expect(detail).toContain(field);
    }
  });

  it('is read by pages of any site', async () => {
    const tracker = await startTracker({ dashboardToken: token });
    const response = await fetch(`${tracker.url}/api/v1/player-config`, {
      headers: { origin: 'https://site.example' },
    });
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    const beacon = await answerToBeacon(tracker);
    expect(beacon.get('access-control-expose-headers')).toContain('shoal-player-config');
  });
});

describe('a player that follows the config', () => {
  function follow(tracker: Tracker): { remote: RemoteConfig; heard: PlayerConfig[] } {
    const heard: PlayerConfig[] = [];
    const remote = new RemoteConfig({
      url: tracker.url,
      fetch: (input, init) => fetch(input, init),
      nowMs: () => performance.now(),
      onConfig: (config) => heard.push(config),
    });
    cleanups.push(() => remote.close());
    return { remote, heard };
  }

  it('hears of a change with the answer to its next beacon', async () => {
    const tracker = await startTracker({ dashboardToken: token });
    const { remote, heard } = follow(tracker);
    await pollUntil(() => heard.length === 1, { timeoutMs: 5_000, description: 'the first' });
    await put(tracker, { p2p: false });
    const answer = await answerToBeacon(tracker);
    remote.noteVersion(Number(answer.get('shoal-player-config')));
    await pollUntil(() => heard.at(-1)?.p2p === false, {
      timeoutMs: 5_000,
      description: 'the kill switch is heard',
    });
    // The same version again is no news.
    remote.noteVersion(heard.at(-1)?.version ?? 0);
    expect(heard.length).toBe(2);
  });

  it('asks by itself where no beacons go, soon enough for a kill switch', async () => {
    const tracker = await startTracker({ dashboardToken: token });
    const { heard } = follow(tracker);
    await pollUntil(() => heard.length === 1, { timeoutMs: 5_000, description: 'the first' });
    await put(tracker, { p2p: false });
    await pollUntil(() => heard.at(-1)?.p2p === false, {
      timeoutMs: 10_000,
      description: 'the kill switch is heard within 10 s',
    });
  });

  it('keeps what it has heard when the tracker goes', async () => {
    const tracker = await startTracker({ playerConfig: { p2p: false } });
    const { remote, heard } = follow(tracker);
    await pollUntil(() => heard.length === 1, { timeoutMs: 5_000, description: 'the first' });
    await tracker.close('gone');
    remote.noteVersion(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(heard.map(({ p2p }) => p2p)).toEqual([false]);
  });
});
