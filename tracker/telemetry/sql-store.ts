// A telemetry store in SQL through kysely: the queries, whatever the database. The SQLite and the
// PostgreSQL store open theirs and hand the connection here; `sql-writes.ts` has the statements of a commit.

import { parseStreamId, type StreamId } from '@shoal/ingest/protocol';
import { type Kysely, Migrator, sql } from 'kysely';
import { type CdnComparison, type CdnUsage, cdnUsageStepMs } from './pure/cdn-usage.ts';
import { counterNames, countersFrom, type DeliveryCounters } from './pure/delivery-counters.ts';
import { resolutions, stepForInterval } from './pure/resolutions.ts';
import type { Audience } from './pure/session-table.ts';
import type { SessionRecord, TelemetryBatch } from './pure/telemetry-batch.ts';
import { compareCdnUsage, replaceCdnUsage } from './sql-cdn-usage.ts';
import { readReach, readRegions } from './sql-regions.ts';
import {
  columnOf,
  migrations,
  type SessionTableRow,
  type TelemetryDatabase,
} from './sql-schema.ts';
import { writeBatch } from './sql-writes.ts';
import {
  type CdnUsageQuery,
  maxListedStreams,
  type ReachQuery,
  type RegionTotals,
  type StreamTotals,
  type TelemetryStore,
  type WindowData,
  type WindowPoint,
  type WindowQuery,
} from './telemetry-store.ts';

/** How trackers on one database share its work; a file belongs to one tracker. */
export interface SharedDuty {
  hold(): Promise<boolean>;
  close(): Promise<void>;
}

export class SqlStore implements TelemetryStore {
  readonly isShared: boolean;
  readonly #database: Kysely<TelemetryDatabase>;
  readonly #egressDuty: SharedDuty | null;

  constructor(database: Kysely<TelemetryDatabase>, egressDuty: SharedDuty | null = null) {
    this.#database = database;
    this.#egressDuty = egressDuty;
    this.isShared = egressDuty !== null;
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
      await writeBatch(writer, batch, this.isShared);
    });
  }

  async loadSessions(seenSinceMs: number): Promise<readonly SessionRecord[]> {
    const rows = await this.#database
      .selectFrom('sessions')
      .selectAll()
      .where('last_seen_ms', '>=', seenSinceMs)
      .execute();
    return rows.flatMap(sessionOf);
  }

  async findSessions(sessions: readonly string[]): Promise<readonly SessionRecord[]> {
    if (sessions.length === 0) return [];
    const rows = await this.#database
      .selectFrom('sessions')
      .selectAll()
      .where('session', 'in', sessions)
      .execute();
    return rows.flatMap(sessionOf);
  }

  async readAudiences(seenSinceMs: number): Promise<ReadonlyMap<string, Audience>> {
    const rows = await this.#database
      .selectFrom('sessions')
      .select(({ fn }) => [
        'stream',
        fn.countAll<number>().as('viewers'),
        fn.avg<number | null>('live_latency_ms').as('latencyMs'),
      ])
      .where('last_seen_ms', '>=', seenSinceMs)
      .where('has_ended', '=', 0)
      .groupBy('stream')
      .execute();
    return new Map(
      rows.map(({ stream, viewers, latencyMs }) => [
        stream,
        {
          viewers: Number(viewers),
          liveLatencySeconds: latencyMs === null ? null : Number(latencyMs) / 1_000,
        },
      ]),
    );
  }

  async holdsEgressDuty(): Promise<boolean> {
    return this.#egressDuty === null || (await this.#egressDuty.hold());
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

  async replaceCdnUsage(source: string, usage: readonly CdnUsage[]): Promise<void> {
    await this.#database.transaction().execute(async (writer) => {
      await replaceCdnUsage(writer, source, usage);
    });
  }

  async compareCdnUsage(query: CdnUsageQuery): Promise<CdnComparison | null> {
    return await compareCdnUsage(this.#database, query);
  }

  async readRegions(query: WindowQuery): Promise<readonly RegionTotals[]> {
    return await readRegions(this.#database, query);
  }

  async readReach(query: ReachQuery): Promise<number> {
    return await readReach(this.#database, query);
  }

  async prune(nowMs: number, sessionsBeforeMs: number): Promise<void> {
    await this.#database.transaction().execute(async (writer) => {
      for (const table of ['delivery', 'audience', 'egress', 'regions', 'reach'] as const) {
        for (const { stepMs, keptMs } of resolutions) {
          await writer
            .deleteFrom(table)
            .where('step_ms', '=', stepMs)
            .where('at_ms', '<', nowMs - keptMs)
            .execute();
        }
      }
      const keptMs = resolutions.find(({ stepMs }) => stepMs === cdnUsageStepMs)?.keptMs ?? 0;
      await writer
        .deleteFrom('cdn_usage')
        .where('at_ms', '<', nowMs - keptMs)
        .execute();
      await writer.deleteFrom('sessions').where('last_seen_ms', '<', sessionsBeforeMs).execute();
    });
  }

  async close(): Promise<void> {
    await this.#egressDuty?.close();
    await this.#database.destroy();
  }

  async #readTotals(query: WindowQuery): Promise<DeliveryCounters> {
    let select = this.#database
      .selectFrom('delivery')
      .select(({ fn }) =>
        counterNames.map((name) => fn.sum<number | null>(columnOf(name)).as(name)),
      )
      .where('step_ms', '=', stepForInterval(query.intervalMs))
      .where('at_ms', '>=', query.fromMs)
      .where('at_ms', '<', query.toMs);
    if (query.stream !== null) select = select.where('stream', '=', query.stream);
    const row = await select.executeTakeFirst();
    return countersFrom((name) => Number(row?.[name] ?? 0));
  }

  async #readPoints(query: WindowQuery): Promise<WindowPoint[]> {
    const stepMs = stepForInterval(query.intervalMs);
    const { fromMs, toMs, intervalMs } = query;
    const ofStream = query.stream === null ? sql`` : sql`and stream = ${query.stream}`;
    // With `%`, since SQLite gets numbers as reals and would not round a division down.
    // Viewers are summed over streams within a step before the busiest step is looked for.
    const { rows } = await sql<{ at: number; cdn: number; peer: number; viewers: number }>`
      select at_ms - at_ms % ${intervalMs} as "at",
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

/** A stream that is no name any more is left out. */
function sessionOf(row: SessionTableRow): SessionRecord[] {
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
}
