// A telemetry store in SQL through kysely: the queries, whatever the database. The SQLite store
// opens the file and hands its connection here.

import { parseStreamId, type StreamId } from '@shoal/ingest/protocol';
import { type Kysely, Migrator, sql, type Transaction } from 'kysely';
import type { DeliveryCounters } from './pure/delivery-counters.ts';
import { floorTo, resolutions, stepForInterval } from './pure/resolutions.ts';
import type { SessionRecord, TelemetryBatch } from './pure/telemetry-batch.ts';
import { counterColumns, migrations, type TelemetryDatabase } from './sql-schema.ts';
import {
  maxListedStreams,
  type StreamTotals,
  type TelemetryStore,
  type WindowData,
  type WindowPoint,
  type WindowQuery,
} from './telemetry-store.ts';

type Writer = Transaction<TelemetryDatabase>;

/** Rows per statement; SQLite takes 32766 parameters, a delivery row has 13. */
const rowsPerInsert = 500;

export class SqlStore implements TelemetryStore {
  readonly #database: Kysely<TelemetryDatabase>;

  constructor(database: Kysely<TelemetryDatabase>) {
    this.#database = database;
  }

  /** Brings the tables to the newest form. @throws the cause when a migration fails */
  async migrate(): Promise<void> {
    const migrator = new Migrator({ db: this.#database, provider: migrations });
    const { error } = await migrator.migrateToLatest();
    if (error !== undefined) {
      throw new Error('the telemetry database could not be brought up to date', { cause: error });
    }
  }

  async commit(batch: TelemetryBatch): Promise<void> {
    await this.#database.transaction().execute(async (writer) => {
      for (const { stepMs } of resolutions) {
        await addDelivery(writer, stepMs, batch);
        await addEgress(writer, stepMs, batch);
      }
      await addAudience(writer, batch);
      await replaceSessions(writer, batch);
    });
  }

  async loadSessions(seenSinceMs: number): Promise<readonly SessionRecord[]> {
    const rows = await this.#database
      .selectFrom('sessions')
      .selectAll()
      .where('last_seen_ms', '>=', seenSinceMs)
      .execute();
    return rows.flatMap((row): SessionRecord[] => {
      const stream = parseStreamId(row.stream);
      if (stream === null) return [];
      return [
        {
          session: row.session,
          stream,
          highestSequence: Number(row.highest_sequence),
          seenMask: Number(row.seen_mask),
          lastSeenMs: Number(row.last_seen_ms),
          hasEnded: Number(row.has_ended) === 1,
          viewerBucketAtMs: Number(row.viewer_bucket_at_ms),
          liveLatencyMs: row.live_latency_ms === null ? null : Number(row.live_latency_ms),
        },
      ];
    });
  }

  async readWindow(query: WindowQuery): Promise<WindowData> {
    const [totals, points, originEgressBytes] = [
      await this.#readTotals(query),
      await this.#readPoints(query),
      await this.#readEgress(query),
    ];
    return { totals, points, originEgressBytes };
  }

  async readStreams(window: Omit<WindowQuery, 'stream'>): Promise<readonly StreamTotals[]> {
    const rows = await this.#database
      .selectFrom('delivery')
      .select(({ fn }) => [
        'stream',
        fn.sum<number>('cdn_bytes').as('cdnBytes'),
        fn.sum<number>('peer_bytes').as('peerBytes'),
      ])
      .where('step_ms', '=', stepForInterval(window.intervalMs))
      .where('at_ms', '>=', window.fromMs)
      .where('at_ms', '<', window.toMs)
      .groupBy('stream')
      .orderBy(sql`sum(cdn_bytes) + sum(peer_bytes)`, 'desc')
      .limit(maxListedStreams)
      .execute();
    return rows.flatMap(({ stream: name, cdnBytes, peerBytes }): StreamTotals[] => {
      const stream = parseStreamId(name);
      return stream === null
        ? []
        : [{ stream, cdnBytes: Number(cdnBytes), peerBytes: Number(peerBytes) }];
    });
  }

  async prune(nowMs: number, sessionsBeforeMs: number): Promise<void> {
    await this.#database.transaction().execute(async (writer) => {
      for (const table of ['delivery', 'audience', 'egress'] as const) {
        for (const { stepMs, keptMs } of resolutions) {
          await writer
            .deleteFrom(table)
            .where('step_ms', '=', stepMs)
            .where('at_ms', '<', nowMs - keptMs)
            .execute();
        }
      }
      await writer.deleteFrom('sessions').where('last_seen_ms', '<', sessionsBeforeMs).execute();
    });
  }

  async close(): Promise<void> {
    await this.#database.destroy();
  }

  async #readTotals(query: WindowQuery): Promise<DeliveryCounters> {
    let select = this.#database
      .selectFrom('delivery')
      .select(({ fn }) => [
        fn.sum<number | null>('cdn_bytes').as('cdnBytes'),
        fn.sum<number | null>('peer_bytes').as('peerBytes'),
        fn.sum<number | null>('uploaded_bytes').as('uploadedBytes'),
        fn.sum<number | null>('discarded_bytes').as('discardedBytes'),
        fn.sum<number | null>('stall_count').as('stallCount'),
        fn.sum<number | null>('stalled_ms').as('stalledMs'),
        fn.sum<number | null>('played_ms').as('playedMs'),
        fn.sum<number | null>('startup_count').as('startupCount'),
        fn.sum<number | null>('startup_ms').as('startupMs'),
      ])
      .where('step_ms', '=', stepForInterval(query.intervalMs))
      .where('at_ms', '>=', query.fromMs)
      .where('at_ms', '<', query.toMs);
    if (query.stream !== null) select = select.where('stream', '=', query.stream);
    const row = await select.executeTakeFirst();
    return {
      cdnBytes: Number(row?.cdnBytes ?? 0),
      peerBytes: Number(row?.peerBytes ?? 0),
      uploadedBytes: Number(row?.uploadedBytes ?? 0),
      discardedBytes: Number(row?.discardedBytes ?? 0),
      stallCount: Number(row?.stallCount ?? 0),
      stalledMs: Number(row?.stalledMs ?? 0),
      playedMs: Number(row?.playedMs ?? 0),
      startupCount: Number(row?.startupCount ?? 0),
      startupMs: Number(row?.startupMs ?? 0),
    };
  }

  async #readPoints(query: WindowQuery): Promise<WindowPoint[]> {
    const stepMs = stepForInterval(query.intervalMs);
    const { fromMs, toMs, intervalMs } = query;
    const ofStream = query.stream === null ? sql`` : sql`and stream = ${query.stream}`;
    // Viewers are summed over streams within a step before the busiest step is looked for.
    const { rows } = await sql<{ at: number; cdn: number; peer: number; viewers: number }>`
      select (at_ms / ${intervalMs}) * ${intervalMs} as "at",
        sum(cdn) as "cdn", sum(peer) as "peer", max(viewers) as "viewers"
      from (
        select at_ms, sum(cdn) as cdn, sum(peer) as peer, sum(viewers) as viewers
        from (
          select at_ms, cdn_bytes as cdn, peer_bytes as peer, 0 as viewers from delivery
          where step_ms = ${stepMs} and at_ms >= ${fromMs} and at_ms < ${toMs} ${ofStream}
          union all
          select at_ms, 0 as cdn, 0 as peer, viewers from audience
          where step_ms = ${stepMs} and at_ms >= ${fromMs} and at_ms < ${toMs} ${ofStream}
        ) as parts group by at_ms
      ) as steps group by 1 order by 1`.execute(this.#database);
    return rows.map(({ at, cdn, peer, viewers }) => ({
      atMs: Number(at),
      viewers: Number(viewers),
      cdnBytes: Number(cdn),
      peerBytes: Number(peer),
    }));
  }

  async #readEgress(query: WindowQuery): Promise<number | null> {
    const wanted: (StreamId | '')[] = query.stream === null ? [] : ['', query.stream];
    let select = this.#database
      .selectFrom('egress')
      .select(({ fn }) => [
        fn.sum<number | null>('bytes').as('bytes'),
        sql<number | null>`max(case when stream = '' then 1 else 0 end)`.as('answered'),
      ])
      .where('step_ms', '=', stepForInterval(query.intervalMs))
      .where('at_ms', '>=', query.fromMs)
      .where('at_ms', '<', query.toMs);
    if (wanted.length > 0) select = select.where('stream', 'in', wanted);
    const row = await select.executeTakeFirst();
    return Number(row?.answered ?? 0) === 1 ? Number(row?.bytes ?? 0) : null;
  }
}

async function addDelivery(writer: Writer, stepMs: number, batch: TelemetryBatch): Promise<void> {
  const rows = batch.delivery.map(({ bucketAtMs, stream, rendition, counters }) => ({
    step_ms: stepMs,
    at_ms: floorTo(bucketAtMs, stepMs),
    stream,
    rendition,
    cdn_bytes: counters.cdnBytes,
    peer_bytes: counters.peerBytes,
    uploaded_bytes: counters.uploadedBytes,
    discarded_bytes: counters.discardedBytes,
    stall_count: counters.stallCount,
    stalled_ms: counters.stalledMs,
    played_ms: counters.playedMs,
    startup_count: counters.startupCount,
    startup_ms: counters.startupMs,
  }));
  const sums = Object.fromEntries(
    counterColumns.map((name) => [
      name,
      sql<number>`${sql.ref(`delivery.${name}`)} + ${sql.ref(`excluded.${name}`)}`,
    ]),
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
  const rows = batch.egress.map(({ bucketAtMs, stream, bytes }) => ({
    step_ms: stepMs,
    at_ms: floorTo(bucketAtMs, stepMs),
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
  for (const { bucketAtMs, stream, viewers } of batch.audience) {
    const row = await writer
      .insertInto('audience')
      .values({ step_ms: finest.stepMs, at_ms: bucketAtMs, stream, viewers })
      .onConflict((conflict) =>
        conflict
          .columns(['step_ms', 'at_ms', 'stream'])
          .doUpdateSet({ viewers: sql<number>`audience.viewers + excluded.viewers` }),
      )
      .returning('viewers')
      .executeTakeFirstOrThrow();
    for (const { stepMs } of coarser) {
      await writer
        .insertInto('audience')
        .values({
          step_ms: stepMs,
          at_ms: floorTo(bucketAtMs, stepMs),
          stream,
          viewers: row.viewers,
        })
        .onConflict((conflict) =>
          conflict
            .columns(['step_ms', 'at_ms', 'stream'])
            .doUpdateSet({ viewers: sql<number>`excluded.viewers` })
            .where(sql<boolean>`excluded.viewers > audience.viewers`),
        )
        .execute();
    }
  }
}

async function replaceSessions(writer: Writer, batch: TelemetryBatch): Promise<void> {
  const rows = batch.sessions.map((record) => ({
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

function* chunksOf<Row>(rows: readonly Row[]): Generator<Row[]> {
  for (let start = 0; start < rows.length; start += rowsPerInsert) {
    yield rows.slice(start, start + rowsPerInsert);
  }
}
