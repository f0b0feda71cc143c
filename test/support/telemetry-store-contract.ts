// What every telemetry store must do. The contract tests run it on the stores in memory and in
// files, an integration test on a real PostgreSQL.

import { parseStreamId, type StreamId } from '@shoal/ingest/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import {
  counterNames,
  countersFrom,
  noCounters,
} from '../../tracker/telemetry/pure/delivery-counters.ts';
import { noRegionCounters } from '../../tracker/telemetry/pure/region-counters.ts';
import type {
  SessionRecord,
  TelemetryBatch,
} from '../../tracker/telemetry/pure/telemetry-batch.ts';
import { ViewerSketch, viewerHash } from '../../tracker/telemetry/pure/viewer-sketch.ts';
import type { TelemetryStore } from '../../tracker/telemetry/telemetry-store.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** On the hour, so that buckets of every resolution begin here. */
const startMs = Date.parse('2026-03-01T12:00:00Z');

function streamOf(name: string): StreamId {
  const stream = parseStreamId(name);
  if (stream === null) throw new Error(`not a stream id: ${name}`);
  return stream;
}

const demo = streamOf('demo');
const other = streamOf('other');

function batchWith(changes: Partial<TelemetryBatch>): TelemetryBatch {
  const nothing = { delivery: [], audience: [], egress: [], sessions: [], regions: [], reach: [] };
  return { ...nothing, ...changes };
}

function delivered(atMs: number, stream: StreamId, cdnBytes: number, peerBytes: number) {
  return {
    bucketAtMs: atMs,
    stream,
    rendition: '720p',
    counters: { ...noCounters, cdnBytes, peerBytes },
  };
}

function session(name: string, lastSeenMs: number): SessionRecord {
  return {
    session: name,
    stream: demo,
    highestSequence: 40,
    // The highest mask there is: 32 bits must come back as they went in.
    seenMask: 0xffff_ffff,
    lastSeenMs,
    hasEnded: false,
    viewerBucketAtMs: startMs,
    liveLatencyMs: null,
  };
}

const tenSeconds = { fromMs: startMs, toMs: startMs + 60_000, intervalMs: 10_000 };

/** The suite; `create` must give an empty store each time. */
export function describeTelemetryStore(name: string, create: () => Promise<TelemetryStore>): void {
  describe(`telemetry store: ${name}`, () => {
    const stores: TelemetryStore[] = [];

    afterEach(async () => {
      for (const store of stores.splice(0)) await store.close();
    });

    async function open(): Promise<TelemetryStore> {
      const store = await create();
      stores.push(store);
      return store;
    }

    it('adds up what is committed to the same bucket, per stream and for all', async () => {
      const store = await open();
      for (const [cdnBytes, peerBytes] of [
        [100, 1],
        [200, 2],
      ] as const) {
        await store.commit(
          batchWith({
            delivery: [
              delivered(startMs, demo, cdnBytes, peerBytes),
              delivered(startMs + 20_000, other, 1_000, 0),
            ],
            audience: [
              { bucketAtMs: startMs, stream: demo, viewers: 1 },
              { bucketAtMs: startMs + 20_000, stream: other, viewers: 2 },
            ],
          }),
        );
      }
      const ofDemo = await store.readWindow({ stream: demo, ...tenSeconds });
      expect(ofDemo.totals).toEqual({ ...noCounters, cdnBytes: 300, peerBytes: 3 });
      expect(ofDemo.points).toEqual([{ atMs: startMs, viewers: 2, cdnBytes: 300, peerBytes: 3 }]);
      const ofAll = await store.readWindow({ stream: null, ...tenSeconds });
      expect(ofAll.totals.cdnBytes).toBe(2_300);
      expect(ofAll.points.map(({ viewers }) => viewers)).toEqual([2, 4]);
      expect(await store.readStreams(tenSeconds)).toEqual([
        { stream: other, cdnBytes: 2_000, peerBytes: 0 },
        { stream: demo, cdnBytes: 300, peerBytes: 3 },
      ]);
    });

    it('keeps every counter', async () => {
      const store = await open();
      const counters = {
        ...countersFrom((name) => 2 + counterNames.indexOf(name)),
        cdnBytes: 4e15,
      };
      await store.commit(
        batchWith({ delivery: [{ bucketAtMs: startMs, stream: demo, rendition: '', counters }] }),
      );
      const { totals } = await store.readWindow({ stream: demo, ...tenSeconds });
      expect(totals).toEqual(counters);
    });

    it('has the same totals at every zoom, and the busiest step as viewers of a long interval', async () => {
      const store = await open();
      for (let index = 0; index < 12; index += 1) {
        const bucketAtMs = startMs + index * 10_000;
        await store.commit(
          batchWith({
            delivery: [delivered(bucketAtMs, demo, 10, 30), delivered(bucketAtMs, other, 1, 0)],
            audience: [
              { bucketAtMs, stream: demo, viewers: index },
              { bucketAtMs, stream: other, viewers: 1 },
            ],
          }),
        );
      }
      for (const intervalMs of [10_000, 60_000, 120_000, hourMs]) {
        const toMs = startMs + Math.max(120_000, intervalMs);
        const span = { fromMs: startMs, toMs, intervalMs };
        const { totals, points } = await store.readWindow({ stream: null, ...span });
        expect([totals.cdnBytes, totals.peerBytes]).toEqual([132, 360]);
        expect(points.reduce((sum, { cdnBytes }) => sum + cdnBytes, 0)).toBe(132);
        expect(points.map(({ atMs }) => (atMs - startMs) % intervalMs)).toEqual(
          Array.from({ length: Math.ceil(120_000 / intervalMs) }, () => 0),
        );
        expect(Math.max(...points.map(({ viewers }) => viewers))).toBe(12);
      }
    });

    it('leaves out what is outside the window: the start belongs to it, the end does not', async () => {
      const store = await open();
      const { fromMs, toMs } = tenSeconds;
      await store.commit(
        batchWith({
          delivery: [fromMs - 10_000, fromMs, toMs - 10_000, toMs].map((atMs, index) =>
            delivered(atMs, demo, 10 ** index, 0),
          ),
        }),
      );
      const { totals } = await store.readWindow({ stream: demo, ...tenSeconds });
      expect(totals.cdnBytes).toBe(110);
    });

    it('tells no egress from unknown egress', async () => {
      const store = await open();
      const egressOf = async (stream: StreamId | null) =>
        (await store.readWindow({ stream, ...tenSeconds })).originEgressBytes;
      expect(await egressOf(null)).toBeNull();
      await store.commit(batchWith({ egress: [{ bucketAtMs: startMs, stream: null, bytes: 0 }] }));
      expect([await egressOf(null), await egressOf(demo)]).toEqual([0, 0]);
      await store.commit(
        batchWith({
          egress: [
            { bucketAtMs: startMs + 10_000, stream: null, bytes: 0 },
            { bucketAtMs: startMs + 10_000, stream: demo, bytes: 70 },
            { bucketAtMs: startMs + 20_000, stream: other, bytes: 5 },
          ],
        }),
      );
      expect([await egressOf(null), await egressOf(demo), await egressOf(other)]).toEqual([
        75, 70, 5,
      ]);
    });

    it('remembers sessions, the newest record of each, until they are pruned', async () => {
      const store = await open();
      await store.commit(
        batchWith({ sessions: [session('one-session-0001', startMs), session('two', startMs)] }),
      );
      const newer = { ...session('two', startMs + 5_000), liveLatencyMs: 4_200, hasEnded: true };
      await store.commit(batchWith({ sessions: [newer] }));
      expect(await store.loadSessions(startMs)).toEqual(
        expect.arrayContaining([session('one-session-0001', startMs), newer]),
      );
      expect(await store.loadSessions(startMs + 1)).toEqual([newer]);
      await store.prune(startMs, startMs + 1);
      expect(await store.loadSessions(0)).toEqual([newer]);
    });

    it('finds one session, and says who watches by those that were seen and have not ended', async () => {
      const store = await open();
      const watching = { ...session('watching-0000001', startMs), liveLatencyMs: 4_000 };
      await store.commit(
        batchWith({
          sessions: [
            watching,
            { ...session('watching-0000002', startMs + 1_000), liveLatencyMs: 6_000 },
            session('watching-0000003', startMs + 1_000),
            { ...session('of-another-one-1', startMs), stream: other },
            { ...session('has-ended-000001', startMs + 1_000), hasEnded: true },
            session('long-gone-000001', startMs - 1),
          ],
        }),
      );
      const wanted = ['watching-0000001', 'nobody-000000001'];
      expect(await store.findSessions(wanted)).toEqual([watching]);
      expect(await store.findSessions([])).toEqual([]);
      expect(Object.fromEntries(await store.readAudiences(startMs))).toEqual({
        demo: { viewers: 3, liveLatencySeconds: 5 },
        other: { viewers: 1, liveLatencySeconds: null },
      });
    });

    it('adds up figures per region, at every zoom and for one stream or all', async () => {
      const store = await open();
      const region = (name: string, stream: StreamId, bucketAtMs: number, cdnBytes: number) => ({
        ...{ bucketAtMs, stream, rendition: '720p', region: name },
        counters: { ...noRegionCounters, cdnBytes, peerBytes: 1, playedMs: 5_000, startupCount: 1 },
      });
      await store.commit(
        batchWith({
          regions: [
            region('DE', demo, startMs, 100),
            region('DE', demo, startMs + 10_000, 100),
            region('', demo, startMs, 5),
          ],
        }),
      );
      await store.commit(
        batchWith({
          regions: [region('DE', demo, startMs, 100), region('FR', other, startMs, 40)],
        }),
      );
      for (const intervalMs of [10_000, 60_000, hourMs]) {
        const span = { fromMs: startMs, toMs: startMs + hourMs, intervalMs };
        const all = await store.readRegions({ stream: null, ...span });
        expect(all.map(({ region: name }) => name)).toEqual(['DE', 'FR', '']);
        const sums = (cdnBytes: number, beacons: number) => ({
          ...noRegionCounters,
          ...{ cdnBytes, peerBytes: beacons, playedMs: 5_000 * beacons, startupCount: beacons },
        });
        expect(await store.readRegions({ stream: demo, ...span })).toEqual([
          { region: 'DE', counters: sums(300, 3) },
          { region: '', counters: sums(5, 1) },
        ]);
      }
    });

    it('knows how many different viewers there were, also when fine steps are gone', async () => {
      const store = await open();
      const sketchOf = (first: number, count: number): ViewerSketch => {
        const sketch = new ViewerSketch();
        for (let index = first; index < first + count; index += 1) {
          sketch.add(viewerHash(`session-of-viewer-${index}`));
        }
        return sketch;
      };
      const reach = (minute: number, stream: StreamId, first: number, count: number) =>
        [60_000, hourMs].map((stepMs) => ({
          stepMs,
          atMs: Math.floor((startMs + minute * 60_000) / stepMs) * stepMs,
          stream,
          sketch: sketchOf(first, count),
        }));
      await store.commit(batchWith({ reach: reach(0, demo, 0, 100) }));
      await store.commit(batchWith({ reach: reach(0, demo, 50, 100) }));
      await store.commit(
        batchWith({ reach: [...reach(1, demo, 140, 20), ...reach(1, other, 0, 300)] }),
      );
      const readMinutes = (from: number, to: number, stream: StreamId | null): Promise<number> =>
        store.readReach({
          stream,
          ...{ fromMs: startMs + from * 60_000, toMs: startMs + to * 60_000, stepMs: 60_000 },
        });
      expect(await readMinutes(0, 1, demo)).toBe(150);
      expect(await readMinutes(1, 2, demo)).toBe(20);
      expect(await readMinutes(0, 2, demo)).toBe(160);
      expect(await readMinutes(0, 2, null)).toBe(300);
      await store.commit(batchWith({ reach: reach(2, demo, 1_000, 20_000) }));
      await store.prune(startMs + 40 * dayMs, 0);
      expect(await readMinutes(0, 2, demo)).toBe(0);
      const hour = { fromMs: startMs, toMs: startMs + hourMs, stepMs: hourMs };
      const ofHour = await store.readReach({ stream: demo, ...hour });
      expect(Math.abs(ofHour / 20_160 - 1)).toBeLessThan(0.05);
    });

    it('drops fine steps after a day and keeps coarse ones', async () => {
      const store = await open();
      await store.commit(
        batchWith({
          delivery: [delivered(startMs, demo, 10, 0)],
          audience: [{ bucketAtMs: startMs, stream: demo, viewers: 1 }],
        }),
      );
      await store.prune(startMs + 2 * dayMs, 0);
      const read = async (intervalMs: number) =>
        (
          await store.readWindow({
            stream: demo,
            fromMs: startMs,
            toMs: startMs + hourMs,
            intervalMs,
          })
        ).totals.cdnBytes;
      expect([await read(10_000), await read(60_000), await read(hourMs)]).toEqual([0, 10, 10]);
      await store.prune(startMs + 40 * dayMs, 0);
      expect([await read(60_000), await read(hourMs)]).toEqual([0, 10]);
    });

    it('takes several buckets of one minute in one commit', async () => {
      const store = await open();
      const buckets = [0, 10_000, 20_000].map((afterMs) => startMs + afterMs);
      await store.commit(
        batchWith({
          delivery: buckets.map((atMs) => delivered(atMs, demo, 1, 2)),
          audience: buckets.map((bucketAtMs, index) => ({
            bucketAtMs,
            stream: demo,
            viewers: [2, 5, 3][index] ?? 0,
          })),
          egress: buckets.map((bucketAtMs) => ({ bucketAtMs, stream: demo, bytes: 4 })),
        }),
      );
      const span = { fromMs: startMs, toMs: startMs + 60_000, intervalMs: 60_000 };
      const { points, totals } = await store.readWindow({ stream: demo, ...span });
      expect(points).toEqual([{ atMs: startMs, viewers: 5, cdnBytes: 3, peerBytes: 6 }]);
      expect(totals.cdnBytes).toBe(3);
    });

    it('holds what a CDN sent against what viewers report, in the minutes that logs cover', async () => {
      const store = await open();
      const usage = (minute: number, stream: StreamId, bytes: number) => ({
        atMs: startMs + minute * 60_000,
        stream,
        bytes,
      });
      await store.commit(
        batchWith({
          delivery: [0, 60_000, 120_000].map((afterMs) =>
            delivered(startMs + afterMs, demo, 100, 900),
          ),
        }),
      );
      const compare = (stream: StreamId | null, toMs = startMs + hourMs) =>
        store.compareCdnUsage({ stream, fromMs: startMs, toMs });
      expect(await compare(null)).toBeNull();
      await store.replaceCdnUsage('monday.log', [usage(0, demo, 999)]);
      await store.replaceCdnUsage('monday.log', [usage(0, demo, 60), usage(1, demo, 105)]);
      await store.replaceCdnUsage('tuesday.log', [usage(0, demo, 41), usage(1, other, 7)]);
      const ofDemo = { coveredMs: 120_000, measuredBytes: 206, reportedBytes: 200 };
      expect(await compare(demo)).toEqual(ofDemo);
      expect(await compare(null)).toEqual({ ...ofDemo, measuredBytes: 213 });
      expect(await compare(demo, startMs + 60_000)).toEqual({
        coveredMs: 60_000,
        measuredBytes: 101,
        reportedBytes: 100,
      });
      await store.prune(startMs + 40 * dayMs, 0);
      expect(await compare(null)).toBeNull();
    });

    it('takes a batch that is larger than one statement', async () => {
      const store = await open();
      const delivery = Array.from({ length: 1_200 }, (_, index) =>
        delivered(startMs, streamOf(`s${index}`), 1, 1),
      );
      await store.commit(batchWith({ delivery }));
      const { totals } = await store.readWindow({ stream: null, ...tenSeconds });
      expect(totals.cdnBytes).toBe(1_200);
      expect(await store.readStreams(tenSeconds)).toHaveLength(1_000);
    });
  });
}
