// Three trackers behind a real nginx on one real PostgreSQL: viewers of a swarm meet on one of them,
// whose end moves its swarms to the others, and nothing that was reported is lost or counted twice.

import type { SavingsSummary } from '@shoal/tracker/protocol';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { NginxEdge } from '../../infra/edge/nginx-edge.ts';
import { postBeacon } from '../support/beacons.ts';
import { type ListingIngest, startListingIngest } from '../support/listing-ingest.ts';
import { type MeetingSwarm, MeetingViewer } from '../support/meeting-viewer.ts';
import { pollUntil } from '../support/poll-until.ts';
import { PostgresServer } from '../support/postgres-server.ts';
import { startTrackerProcess, type TrackerProcess } from '../support/tracker-process.ts';

let postgres: PostgresServer;
let ingest: ListingIngest;
let databaseUrl: string;
let trackers: TrackerProcess[] = [];
let edge: NginxEdge;
const viewers: MeetingViewer[] = [];

function startShard(): Promise<TrackerProcess> {
  return startTrackerProcess({
    SHOAL_TELEMETRY_STORE: databaseUrl,
    SHOAL_PUBLIC_INGEST_URL: ingest.url,
    SHOAL_PUBLIC_TRACKER_URL: 'http://tracker.test',
  });
}

beforeAll(async () => {
  postgres = await PostgresServer.start();
  databaseUrl = await postgres.createDatabase();
  ingest = await startListingIngest();
  trackers = await Promise.all([startShard(), startShard(), startShard()]);
  edge = await NginxEdge.start({
    ingests: [new URL(ingest.url).host],
    trackers: trackers.map(({ port }) => `127.0.0.1:${port}`),
    workerCount: 1,
  });
});

afterEach(() => {
  for (const viewer of viewers.splice(0)) viewer.close();
});

afterAll(async () => {
  await edge?.close();
  await Promise.all(trackers.map((tracker) => tracker.kill()));
  await ingest?.close();
  await postgres?.close();
});

async function join(swarm: MeetingSwarm): Promise<MeetingViewer> {
  const viewer = await MeetingViewer.join(edge.trackerUrl.replace(/^http/, 'ws'), swarm);
  viewers.push(viewer);
  return viewer;
}

/** Sockets of each tracker; a dead one has none. */
async function socketCounts(): Promise<number[]> {
  return await Promise.all(
    trackers.map(async ({ url }) => {
      const response = await fetch(`${url}/metrics`).catch(() => null);
      const text = (await response?.text()) ?? '';
      return Number(/^shoal_tracker_sockets (\d+)$/m.exec(text)?.[1] ?? 0);
    }),
  );
}

function swarmNumber(number: number): MeetingSwarm {
  return { name: `shoal-1 origin.test/live/demo/index.m3u8 /${number}`, stream: 'demo' };
}

describe('three trackers behind nginx', () => {
  it('bring the viewers of one swarm together on one, and spread the swarms', {
    timeout: 120_000,
  }, async () => {
    const swarms = Array.from({ length: 6 }, (_, number) => swarmNumber(number));
    for (const swarm of swarms) for (let count = 0; count < 2; count += 1) await join(swarm);
    await pollUntil(() => viewers.every(({ met }) => met.size === 1), {
      timeoutMs: 60_000,
      description: 'each viewer linked with the other one of its swarm',
    });
    const counts = await socketCounts();
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(12);
    expect(counts.every((count) => count % 2 === 0)).toBe(true);
    expect(counts.filter((count) => count > 0).length).toBeGreaterThanOrEqual(2);
  });

  it('move the swarms of one that is killed to the others within 15 s, and only those', {
    timeout: 180_000,
  }, async () => {
    const swarms = Array.from({ length: 6 }, (_, number) => swarmNumber(number));
    for (const swarm of swarms) for (let count = 0; count < 2; count += 1) await join(swarm);
    await pollUntil(() => viewers.every(({ met }) => met.size === 1), {
      timeoutMs: 60_000,
      description: 'each viewer linked with the other one of its swarm',
    });
    const before = await socketCounts();
    const victim = before.indexOf(Math.max(...before));
    await trackers[victim]?.kill();
    await pollUntil(
      async () => {
        const now = await socketCounts();
        return now.reduce((sum, count) => sum + count, 0) === 12 && now;
      },
      { timeoutMs: 15_000, description: 'every viewer connected to a tracker again' },
    );
    // Nobody else had to move: theirs are at least what they were.
    const after = await socketCounts();
    expect(
      after.filter((count, index) => index !== victim && count < (before[index] ?? 0)),
    ).toEqual([]);
    // The swarms are whole: whoever joins now meets both viewers who were there before.
    const newcomers = await Promise.all(swarms.map((swarm) => join(swarm)));
    await pollUntil(() => newcomers.every(({ met }) => met.size === 2), {
      timeoutMs: 60_000,
      description: 'newcomers linked with everybody of their swarm',
    });
    trackers[victim] = await startShard();
  });

  it('count beacons once and all, through whichever tracker they come, also after a kill', async () => {
    const sessions = Array.from({ length: 12 }, (_, index) => `session-of-viewer-${index}-00`);
    const [first, second] = trackers;
    if (first === undefined || second === undefined) throw new Error('no trackers');
    // One that has just started does not know yet which streams there are.
    for (const { url } of trackers) {
      const beacon = { session: 'session-that-is-over', cdnBytes: 0, peerBytes: 0, ended: true };
      await pollUntil(async () => (await postBeacon(url, beacon)) === 204, {
        timeoutMs: 20_000,
        description: 'a tracker that takes beacons',
      });
    }
    const report = async (url: string, sequence: number): Promise<number[]> =>
      await Promise.all(
        sessions.map((session) =>
          postBeacon(url, { session, sequence, cdnBytes: 1, peerBytes: 3 }),
        ),
      );
    expect(new Set(await report(first.url, 0))).toEqual(new Set([204]));
    expect(new Set(await report(edge.trackerUrl, 1))).toEqual(new Set([204]));
    const home = await trackerOfBeacons();
    await home.kill();
    // Repeats of what the dead one has counted, and news, through the ones that are left.
    expect(new Set(await report(edge.trackerUrl, 1))).toEqual(new Set([204]));
    expect(new Set(await report(edge.trackerUrl, 2))).toEqual(new Set([204]));
    for (const tracker of trackers.filter((each) => each !== home)) {
      const response = await fetch(`${tracker.url}/api/v1/savings?stream=demo`);
      const summary = (await response.json()) as SavingsSummary;
      expect([summary.cdnBytes, summary.peerBytes, summary.viewers]).toEqual([36, 108, 12]);
    }
  });

  it('count what the origin sent once, whoever asks', async () => {
    const alive = trackers.filter(
      ({ process: child }) => child.exitCode === null && child.signalCode === null,
    );
    const egressOf = async (): Promise<number | null> => {
      const [tracker] = alive;
      const response = await fetch(`${tracker?.url}/api/v1/savings?stream=demo&windowSeconds=300`);
      return ((await response.json()) as SavingsSummary).originEgressBytes;
    };
    const before = (await egressOf()) ?? 0;
    ingest.egressBytes += 500;
    await pollUntil(async () => ((await egressOf()) ?? 0) >= before + 500, {
      timeoutMs: 20_000,
      description: 'egress noted',
    });
    // Another poll of every tracker, each of which must add nothing.
    ingest.egressBytes += 1;
    await pollUntil(async () => ((await egressOf()) ?? 0) > before + 500, {
      timeoutMs: 20_000,
      description: 'the next answer noted',
    });
    expect(await egressOf()).toBe(before + 501);
  });
});

/** The tracker that nginx brings our beacons to: the one that has counted those of the edge. */
async function trackerOfBeacons(): Promise<TrackerProcess> {
  const counts = await Promise.all(
    trackers.map(async ({ url }) => {
      const text = await (await fetch(`${url}/metrics`)).text();
      return Number(/^shoal_beacons_total\{result="counted"\} (\d+)$/m.exec(text)?.[1] ?? 0);
    }),
  );
  const home = trackers[counts.lastIndexOf(Math.max(...counts))];
  if (home === undefined) throw new Error('no tracker');
  return home;
}
