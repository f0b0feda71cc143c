// What one commit writes into a SQL telemetry store: sums, viewers, egress and sessions, each as
// few statements as it takes. The SQL store calls it inside one transaction.

import { sql, type Transaction } from 'kysely';
import { addCounters, counterNames, type DeliveryCounters } from './pure/delivery-counters.ts';
import { floorTo, resolutions } from './pure/resolutions.ts';
import type {
  AudienceDelta,
  DeliveryDelta,
  EgressDelta,
  TelemetryBatch,
} from './pure/telemetry-batch.ts';
import { addRegions, joinReach } from './sql-regions.ts';
import { type CounterColumn, columnOf, type TelemetryDatabase } from './sql-schema.ts';

type Writer = Transaction<TelemetryDatabase>;

/** Rows per statement; SQLite takes 32766 parameters, a delivery row has 24. */
const rowsPerInsert = 500;

/** Adds the whole batch, at every resolution. Rejects with the database's error. */
export async function writeBatch(
  writer: Writer,
  batch: TelemetryBatch,
  isShared: boolean,
): Promise<void> {
  for (const { stepMs } of resolutions) {
    await addDelivery(writer, stepMs, batch);
    await addEgress(writer, stepMs, batch);
  }
  await addRegions(writer, batch.regions);
  await addAudience(writer, batch);
  await joinReach(writer, batch.reach, isShared);
  await replaceSessions(writer, batch);
}

/**
 * Brings items to a coarser step and joins those that then share a key: PostgreSQL refuses an
 * upsert that meets the same row twice. In the order of their keys: two trackers that lock the same
 * rows in different orders would lock each other out.
 */
function foldTo<Item extends { readonly bucketAtMs: number }>(
  items: readonly Item[],
  stepMs: number,
  keyOf: (item: Item) => string,
  join: (a: Item, b: Item) => Item,
): Item[] {
  const folded = new Map<string, Item>();
  for (const item of items) {
    const moved = { ...item, bucketAtMs: floorTo(item.bucketAtMs, stepMs) };
    const key = `${moved.bucketAtMs}/${keyOf(moved)}`;
    const known = folded.get(key);
    folded.set(key, known === undefined ? moved : join(known, moved));
  }
  return [...folded].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item);
}

async function addDelivery(writer: Writer, stepMs: number, batch: TelemetryBatch): Promise<void> {
  const deltas = foldTo<DeliveryDelta>(
    batch.delivery,
    stepMs,
    ({ stream, rendition }) => `${stream}/${rendition}`,
    (a, b) => ({ ...a, counters: addCounters(a.counters, b.counters) }),
  );
  const rows = deltas.map(({ bucketAtMs, stream, rendition, counters }) => ({
    step_ms: stepMs,
    at_ms: bucketAtMs,
    stream,
    rendition,
    ...columnsOf(counters),
  }));
  const sums = Object.fromEntries(
    counterNames.map((name) => {
      const column = columnOf(name);
      return [
        column,
        sql<number>`${sql.ref(`delivery.${column}`)} + ${sql.ref(`excluded.${column}`)}`,
      ];
    }),
  );
  for (const chunk of chunksOf(rows)) {
    await writer
      .insertInto('delivery')
      .values(chunk)
      .onConflict((conflict) =>
        conflict.columns(['step_ms', 'at_ms', 'stream', 'rendition']).doUpdateSet(sums),
      )
      .execute();
  }
}

async function addEgress(writer: Writer, stepMs: number, batch: TelemetryBatch): Promise<void> {
  const deltas = foldTo<EgressDelta>(
    batch.egress,
    stepMs,
    ({ stream }) => stream ?? '',
    (a, b) => ({ ...a, bytes: a.bytes + b.bytes }),
  );
  const rows = deltas.map(({ bucketAtMs, stream, bytes }) => ({
    step_ms: stepMs,
    at_ms: bucketAtMs,
    stream: stream ?? '',
    bytes,
  }));
  for (const chunk of chunksOf(rows)) {
    await writer
      .insertInto('egress')
      .values(chunk)
      .onConflict((conflict) =>
        conflict
          .columns(['step_ms', 'at_ms', 'stream'])
          .doUpdateSet({ bytes: sql<number>`egress.bytes + excluded.bytes` }),
      )
      .execute();
  }
}

/** The finest step counts distinct viewers; the coarser ones keep the most of any fine step. */
async function addAudience(writer: Writer, batch: TelemetryBatch): Promise<void> {
  const [finest, ...coarser] = resolutions;
  if (finest === undefined) return;
  const deltas = foldTo<AudienceDelta>(
    batch.audience,
    finest.stepMs,
    ({ stream }) => stream,
    (a, b) => ({ ...a, viewers: a.viewers + b.viewers }),
  );
  for (const chunk of chunksOf(deltas)) {
    const fine = await addFineAudience(writer, finest.stepMs, chunk);
    for (const { stepMs } of coarser) await raiseAudience(writer, stepMs, fine);
  }
}

/** Adds to the finest step and says what is there now. */
async function addFineAudience(
  writer: Writer,
  stepMs: number,
  deltas: readonly AudienceDelta[],
): Promise<AudienceDelta[]> {
  const rows = await writer
    .insertInto('audience')
    .values(
      deltas.map(({ bucketAtMs, stream, viewers }) => ({
        step_ms: stepMs,
        at_ms: bucketAtMs,
        stream,
        viewers,
      })),
    )
    .onConflict((conflict) =>
      conflict
        .columns(['step_ms', 'at_ms', 'stream'])
        .doUpdateSet({ viewers: sql<number>`audience.viewers + excluded.viewers` }),
    )
    .returning(['at_ms', 'stream', 'viewers'])
    .execute();
  const streams = new Map(deltas.map(({ stream }) => [String(stream), stream]));
  return rows.flatMap((row): AudienceDelta[] => {
    const stream = streams.get(row.stream);
    if (stream === undefined) return [];
    return [{ bucketAtMs: Number(row.at_ms), stream, viewers: Number(row.viewers) }];
  });
}

async function raiseAudience(
  writer: Writer,
  stepMs: number,
  fine: readonly AudienceDelta[],
): Promise<void> {
  const rows = foldTo<AudienceDelta>(
    fine,
    stepMs,
    ({ stream }) => stream,
    (a, b) => ({ ...a, viewers: Math.max(a.viewers, b.viewers) }),
  ).map(({ bucketAtMs, stream, viewers }) => ({
    step_ms: stepMs,
    at_ms: bucketAtMs,
    stream,
    viewers,
  }));
  await writer
    .insertInto('audience')
    .values(rows)
    .onConflict((conflict) =>
      conflict
        .columns(['step_ms', 'at_ms', 'stream'])
        .doUpdateSet({ viewers: sql<number>`excluded.viewers` })
        .where(sql<boolean>`excluded.viewers > audience.viewers`),
    )
    .execute();
}

async function replaceSessions(writer: Writer, batch: TelemetryBatch): Promise<void> {
  const sessions = [...batch.sessions].sort((a, b) => (a.session < b.session ? -1 : 1));
  const rows = sessions.map((record) => ({
    session: record.session,
    stream: record.stream,
    highest_sequence: record.highestSequence,
    seen_mask: record.seenMask,
    last_seen_ms: record.lastSeenMs,
    has_ended: record.hasEnded ? 1 : 0,
    viewer_bucket_at_ms: record.viewerBucketAtMs,
    live_latency_ms: record.liveLatencyMs,
  }));
  for (const chunk of chunksOf(rows)) {
    await writer
      .insertInto('sessions')
      .values(chunk)
      .onConflict((conflict) =>
        conflict.column('session').doUpdateSet(({ ref }) => ({
          stream: ref('excluded.stream'),
          highest_sequence: ref('excluded.highest_sequence'),
          seen_mask: ref('excluded.seen_mask'),
          last_seen_ms: ref('excluded.last_seen_ms'),
          has_ended: ref('excluded.has_ended'),
          viewer_bucket_at_ms: ref('excluded.viewer_bucket_at_ms'),
          live_latency_ms: ref('excluded.live_latency_ms'),
        })),
      )
      .execute();
  }
}

function columnsOf(counters: DeliveryCounters): Record<CounterColumn, number> {
  const entries = counterNames.map((name): [CounterColumn, number] => [
    columnOf(name),
    counters[name],
  ]);
  return Object.fromEntries(entries) as Record<CounterColumn, number>;
}

function* chunksOf<Row>(rows: readonly Row[]): Generator<Row[]> {
  for (let start = 0; start < rows.length; start += rowsPerInsert) {
    yield rows.slice(start, start + rowsPerInsert);
  }
}
