// Figures per region and the reach of streams in a SQL telemetry store: what a commit writes and
// what a window reads. Beside the SQL store, in its transactions.

import { parseStreamId } from '@shoal/ingest/protocol';
import { type Kysely, sql, type Transaction } from 'kysely';
import {
  addRegionCounters,
  type RegionCounters,
  regionCounterNames,
} from './pure/region-counters.ts';
import { floorTo, resolutions, stepForInterval } from './pure/resolutions.ts';
import type { ReachDelta, RegionDelta } from './pure/telemetry-batch.ts';
import { ViewerSketch } from './pure/viewer-sketch.ts';
import { columnOf, type TelemetryDatabase } from './sql-schema.ts';
import type { ReachQuery, RegionTotals, WindowQuery } from './telemetry-store.ts';

type Writer = Transaction<TelemetryDatabase>;

const rowsPerInsert = 500;

/** In the order of the keys, as all writes of a commit. */
export async function addRegions(writer: Writer, deltas: readonly RegionDelta[]): Promise<void> {
  for (const { stepMs } of resolutions) {
    const folded = new Map<string, RegionDelta>();
    for (const delta of deltas) {
      const bucketAtMs = floorTo(delta.bucketAtMs, stepMs);
      const key = `${bucketAtMs}/${delta.stream}/${delta.rendition}/${delta.region}`;
      const counters = folded.get(key)?.counters;
      folded.set(key, {
        ...delta,
        bucketAtMs,
        counters: counters ? addRegionCounters(counters, delta.counters) : delta.counters,
      });
    }
    const rows = [...folded]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, { bucketAtMs, stream, rendition, region, counters }]) => ({
        ...{ step_ms: stepMs, at_ms: bucketAtMs, stream, rendition, region },
        cdn_bytes: counters.cdnBytes,
        peer_bytes: counters.peerBytes,
        stalled_ms: counters.stalledMs,
        played_ms: counters.playedMs,
        startup_count: counters.startupCount,
        startup_ms: counters.startupMs,
      }));
    const sums = Object.fromEntries(
      regionCounterNames.map((name) => {
        const column = columnOf(name);
        return [
          column,
          sql<number>`${sql.ref(`regions.${column}`)} + ${sql.ref(`excluded.${column}`)}`,
        ];
      }),
    );
    for (let start = 0; start < rows.length; start += rowsPerInsert) {
      await writer
        .insertInto('regions')
        .values(rows.slice(start, start + rowsPerInsert))
        .onConflict((conflict) =>
          conflict.columns(['step_ms', 'at_ms', 'stream', 'rendition', 'region']).doUpdateSet(sums),
        )
        .execute();
    }
  }
}

export async function readRegions(
  database: Kysely<TelemetryDatabase>,
  query: WindowQuery,
): Promise<readonly RegionTotals[]> {
  let select = database
    .selectFrom('regions')
    .select(({ fn }) => [
      'region',
      fn.sum<number>('cdn_bytes').as('cdnBytes'),
      fn.sum<number>('peer_bytes').as('peerBytes'),
      fn.sum<number>('stalled_ms').as('stalledMs'),
      fn.sum<number>('played_ms').as('playedMs'),
      fn.sum<number>('startup_count').as('startupCount'),
      fn.sum<number>('startup_ms').as('startupMs'),
    ])
    .where('step_ms', '=', stepForInterval(query.intervalMs))
    .where('at_ms', '>=', query.fromMs)
    .where('at_ms', '<', query.toMs);
  if (query.stream !== null) select = select.where('stream', '=', query.stream);
  const rows = await select
    .groupBy('region')
    .orderBy(sql`sum(cdn_bytes) + sum(peer_bytes)`, 'desc')
    .execute();
  return rows.map(({ region, ...sums }) => {
    const counters: RegionCounters = {
      cdnBytes: Number(sums.cdnBytes),
      peerBytes: Number(sums.peerBytes),
      stalledMs: Number(sums.stalledMs),
      playedMs: Number(sums.playedMs),
      startupCount: Number(sums.startupCount),
      startupMs: Number(sums.startupMs),
    };
    return { region, counters };
  });
}

/** @param isShared another tracker may join its sketch to the same row at this moment */
export async function joinReach(
  writer: Writer,
  deltas: readonly ReachDelta[],
  isShared: boolean,
): Promise<void> {
  const keyOf = ({ stepMs, atMs, stream }: ReachDelta): string => `${stepMs}/${atMs}/${stream}`;
  const sorted = [...deltas].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  for (const { stepMs, atMs, stream, sketch } of sorted) {
    const key = { step_ms: stepMs, at_ms: atMs, stream };
    if (isShared) {
      // A row must be there to be locked.
      await writer
        .insertInto('reach')
        .values({ ...key, sketch: '' })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    }
    const select = writer
      .selectFrom('reach')
      .select('sketch')
      .where('step_ms', '=', stepMs)
      .where('at_ms', '=', atMs)
      .where('stream', '=', stream);
    const row = await (isShared ? select.forUpdate() : select).executeTakeFirst();
    const joined = ViewerSketch.decode(Buffer.from(row?.sketch ?? '', 'base64'));
    joined.join(sketch);
    const text = Buffer.from(joined.encode()).toString('base64');
    await writer
      .insertInto('reach')
      .values({ ...key, sketch: text })
      .onConflict((conflict) =>
        conflict.columns(['step_ms', 'at_ms', 'stream']).doUpdateSet({ sketch: text }),
      )
      .execute();
  }
}

export async function readReach(
  database: Kysely<TelemetryDatabase>,
  { stream, fromMs, toMs, stepMs }: ReachQuery,
): Promise<number> {
  let select = database
    .selectFrom('reach')
    .select(['stream', 'sketch'])
    .where('step_ms', '=', stepMs)
    .where('at_ms', '>=', fromMs)
    .where('at_ms', '<', toMs);
  if (stream !== null) select = select.where('stream', '=', stream);
  const total = new ViewerSketch();
  for (const row of await select.execute()) {
    if (parseStreamId(row.stream) === null) continue;
    total.join(ViewerSketch.decode(Buffer.from(row.sketch, 'base64')));
  }
  return total.count;
}
