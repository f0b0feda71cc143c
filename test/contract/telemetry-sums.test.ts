// 200 viewers for ten minutes of which every byte is known, through a network that repeats and
// reorders and a store that fails now and then: what the dashboard shows is the truth, at every zoom.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseStreamId } from '@shoal/ingest/protocol';
import { afterAll, describe, expect, it } from 'vitest';
import { parseBeacon } from '../../tracker/telemetry/beacon-schema.ts';
import { MemoryStore } from '../../tracker/telemetry/memory-store.ts';
import { Rollup } from '../../tracker/telemetry/pure/rollup.ts';
import { SavingsReader } from '../../tracker/telemetry/savings-reader.ts';
import { openSqliteStore } from '../../tracker/telemetry/sqlite-store.ts';
import type { TelemetryStore } from '../../tracker/telemetry/telemetry-store.ts';
import { simulateAudience } from '../support/simulated-audience.ts';

const startMs = Date.parse('2026-03-01T23:53:07Z');
const durationMs = 600_000;
const audience = simulateAudience({ seed: 4, viewerCount: 200, startMs, durationMs });
const endMs = (audience.arrivals.at(-1)?.atMs ?? 0) + 1;

const directory = await mkdtemp(path.join(tmpdir(), 'shoal-sums-'));

afterAll(async () => {
  await rm(directory, { recursive: true });
});

/** Commits every second of fake time; every seventh commit fails. */
async function replay(store: TelemetryStore): Promise<Rollup> {
  const rollup = new Rollup({ maxSessions: 1_000, maxPendingSums: 1_000 });
  let commitCount = 0;
  const commit = async (): Promise<void> => {
    const batch = rollup.takePending();
    if (batch === null) return;
    commitCount += 1;
    if (commitCount % 7 === 0) rollup.returnPending(batch);
    else await store.commit(batch);
  };
  let committedAtMs = startMs;
  for (const { atMs, beacon } of audience.arrivals) {
    if (atMs - committedAtMs >= 1_000) {
      committedAtMs = atMs;
      await commit();
    }
    rollup.addBeacon(parseBeacon(beacon), atMs);
  }
  await commit();
  await commit();
  return rollup;
}

describe.each([
  ['memory', async () => new MemoryStore()],
  ['sqlite', () => openSqliteStore(path.join(directory, 'sums.sqlite'))],
] as const)('savings of a known audience: %s', (_name, open) => {
  it('are the truth per stream, for all, in every interval and at every zoom', {
    timeout: 60_000,
  }, async () => {
    const store = await open();
    const { sessions } = await replay(store);
    const reader = new SavingsReader({
      store,
      sessions,
      pricePerGb: 0.05,
      currency: 'USD',
      liveStreams: () => null,
      publicIngestUrl: null,
    });
    for (const name of [null, 'demo', 'match', 'talk']) {
      const stream = name === null ? null : parseStreamId(name);
      for (const windowSeconds of [900, 3_600, 21_600, 86_400, 7 * 86_400, 30 * 86_400]) {
        const summary = await reader.summary({ stream, windowSeconds }, endMs);
        const truth = audience.truthOf(name, summary.intervalSeconds * 1_000);
        expect([summary.cdnBytes, summary.peerBytes]).toEqual([truth.cdnBytes, truth.peerBytes]);
        const shown = summary.series.filter(({ cdnBytes, peerBytes }) => cdnBytes + peerBytes > 0);
        expect(
          shown.map(({ at, cdnBytes, peerBytes }) => [Date.parse(at), cdnBytes, peerBytes]),
        ).toEqual(
          [...truth.perBucket]
            .sort(([a], [b]) => a - b)
            .map(([atMs, { cdnBytes, peerBytes }]) => [atMs, cdnBytes, peerBytes]),
        );
        const fine = audience.truthOf(name, 10_000);
        expect(summary.distinctViewers).toBe(viewersOf(fine));
        expect(Math.max(...summary.series.map(({ viewers }) => viewers))).toBe(
          name === null ? mostAtOnce(summary.intervalSeconds) : mostViewers(fine),
        );
      }
    }
    await store.close();
  });
});

/** All who were there in the window, whenever. */
function viewersOf(truth: ReturnType<typeof audience.truthOf>): number {
  return new Set([...truth.perBucket.values()].flatMap(({ viewers }) => [...viewers])).size;
}

function mostViewers(truth: ReturnType<typeof audience.truthOf>): number {
  return Math.max(...[...truth.perBucket.values()].map(({ viewers }) => viewers.size));
}

/** Of all streams together, coarse steps add up the busiest fine step of each stream. */
function mostAtOnce(intervalSeconds: number): number {
  const stepMs =
    intervalSeconds % 3_600 === 0 ? 3_600_000 : intervalSeconds >= 60 ? 60_000 : 10_000;
  const sums = new Map<number, number>();
  for (const name of ['demo', 'match', 'talk']) {
    const busiest = new Map<number, number>();
    for (const [atMs, { viewers }] of audience.truthOf(name, 10_000).perBucket) {
      const stepAtMs = Math.floor(atMs / stepMs) * stepMs;
      busiest.set(stepAtMs, Math.max(busiest.get(stepAtMs) ?? 0, viewers.size));
    }
    for (const [atMs, viewers] of busiest) sums.set(atMs, (sums.get(atMs) ?? 0) + viewers);
  }
  return Math.max(...sums.values());
}
