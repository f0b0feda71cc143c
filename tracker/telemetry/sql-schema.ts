// The tables of a SQL telemetry store and the migrations that make them, for kysely. Each row of
// a rollup table is one step of one resolution; times are milliseconds since the Unix epoch.

import { type Kysely, type Migration, type MigrationProvider, sql } from 'kysely';
import type { CounterName } from './pure/delivery-counters.ts';
import type { regionCounterNames } from './pure/region-counters.ts';

type SnakeCase<Name extends string> = Name extends `${infer Head}${infer Tail}`
  ? Head extends Lowercase<Head>
    ? `${Head}${SnakeCase<Tail>}`
    : `_${Lowercase<Head>}${SnakeCase<Tail>}`
  : Name;

/** The column of a counter. */
export type CounterColumn = SnakeCase<CounterName>;

export type DeliveryTable = {
  step_ms: number;
  at_ms: number;
  stream: string;
  rendition: string;
} & Record<CounterColumn, number>;

export interface AudienceTable {
  step_ms: number;
  at_ms: number;
  stream: string;
  viewers: number;
}

export interface EgressTable {
  step_ms: number;
  at_ms: number;
  /** Empty: ingest answered. */
  stream: string;
  bytes: number;
}

export type RegionTable = {
  step_ms: number;
  at_ms: number;
  stream: string;
  rendition: string;
  /** Empty: not known. */
  region: string;
} & Pick<DeliveryTable, SnakeCase<(typeof regionCounterNames)[number]>>;

export interface ReachTable {
  step_ms: number;
  at_ms: number;
  stream: string;
  /** Base64 of a viewer sketch. */
  sketch: string;
}

export interface CdnUsageTable {
  source: string;
  at_ms: number;
  stream: string;
  bytes: number;
}

export interface SessionTableRow {
  session: string;
  stream: string;
  highest_sequence: number;
  seen_mask: number;
  last_seen_ms: number;
  has_ended: number;
  viewer_bucket_at_ms: number;
  live_latency_ms: number | null;
}

export interface TelemetryDatabase {
  delivery: DeliveryTable;
  audience: AudienceTable;
  egress: EgressTable;
  regions: RegionTable;
  reach: ReachTable;
  cdn_usage: CdnUsageTable;
  sessions: SessionTableRow;
}

const firstCounterColumns = [
  'cdn_bytes',
  'peer_bytes',
  'uploaded_bytes',
  'discarded_bytes',
  'stall_count',
  'stalled_ms',
  'played_ms',
  'startup_count',
  'startup_ms',
] as const satisfies readonly CounterColumn[];

const qualityAndTruthColumns = [
  'sharing_played_ms',
  'sharing_stalled_ms',
  'sharing_startup_count',
  'sharing_startup_ms',
  'set_aside_count',
  'set_aside_bytes',
] as const satisfies readonly CounterColumn[];

const latencyAndBitrateColumns = [
  'latency_count',
  'latency_ms',
  'sharing_media_bytes',
  'sharing_latency_count',
  'sharing_latency_ms',
] as const satisfies readonly CounterColumn[];

const heldOutColumns = [
  'held_out_media_bytes',
  'held_out_played_ms',
  'held_out_stalled_ms',
  'held_out_startup_count',
  'held_out_startup_ms',
  'held_out_latency_count',
  'held_out_latency_ms',
] as const satisfies readonly CounterColumn[];

const relayColumns = ['relayed_bytes'] as const satisfies readonly CounterColumn[];

export function columnOf(name: CounterName): CounterColumn {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) as CounterColumn;
}

const firstTables: Migration = {
  async up(database: Kysely<never>): Promise<void> {
    let delivery = database.schema
      .createTable('delivery')
      .addColumn('step_ms', 'bigint', (column) => column.notNull())
      .addColumn('at_ms', 'bigint', (column) => column.notNull())
      .addColumn('stream', 'text', (column) => column.notNull())
      .addColumn('rendition', 'text', (column) => column.notNull());
    for (const name of firstCounterColumns) {
      delivery = delivery.addColumn(name, 'bigint', (column) => column.notNull());
    }
    await delivery
      .addPrimaryKeyConstraint('delivery_key', ['step_ms', 'at_ms', 'stream', 'rendition'])
      .execute();
    for (const [table, value] of [
      ['audience', 'viewers'],
      ['egress', 'bytes'],
    ] as const) {
      await database.schema
        .createTable(table)
        .addColumn('step_ms', 'bigint', (column) => column.notNull())
        .addColumn('at_ms', 'bigint', (column) => column.notNull())
        .addColumn('stream', 'text', (column) => column.notNull())
        .addColumn(value, 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint(`${table}_key`, ['step_ms', 'at_ms', 'stream'])
        .execute();
    }
    await database.schema
      .createTable('sessions')
      .addColumn('session', 'text', (column) => column.primaryKey())
      .addColumn('stream', 'text', (column) => column.notNull())
      .addColumn('highest_sequence', 'bigint', (column) => column.notNull())
      .addColumn('seen_mask', 'bigint', (column) => column.notNull())
      .addColumn('last_seen_ms', 'bigint', (column) => column.notNull())
      .addColumn('has_ended', 'integer', (column) => column.notNull().defaultTo(sql`0`))
      .addColumn('viewer_bucket_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('live_latency_ms', 'bigint')
      .execute();
    await database.schema
      .createIndex('sessions_last_seen')
      .on('sessions')
      .column('last_seen_ms')
      .execute();
  },
};

/** Columns that a later version counts; what was counted before knows nothing of them. */
function addCounterColumns(columns: readonly CounterColumn[]): Migration {
  return {
    async up(database: Kysely<never>): Promise<void> {
      for (const name of columns) {
        await database.schema
          .alterTable('delivery')
          .addColumn(name, 'bigint', (column) => column.notNull().defaultTo(sql`0`))
          .execute();
      }
    },
  };
}

const cdnUsage: Migration = {
  async up(database: Kysely<never>): Promise<void> {
    await database.schema
      .createTable('cdn_usage')
      .addColumn('source', 'text', (column) => column.notNull())
      .addColumn('at_ms', 'bigint', (column) => column.notNull())
      .addColumn('stream', 'text', (column) => column.notNull())
      .addColumn('bytes', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('cdn_usage_key', ['source', 'at_ms', 'stream'])
      .execute();
    await database.schema
      .createIndex('cdn_usage_at')
      .on('cdn_usage')
      .columns(['at_ms', 'stream'])
      .execute();
  },
};

const regionsAndReach: Migration = {
  async up(database: Kysely<never>): Promise<void> {
    await sql`create table regions (
      step_ms bigint not null, at_ms bigint not null,
      stream text not null, rendition text not null, region text not null,
      cdn_bytes bigint not null, peer_bytes bigint not null,
      stalled_ms bigint not null, played_ms bigint not null,
      startup_count bigint not null, startup_ms bigint not null,
      constraint regions_key primary key (step_ms, at_ms, stream, rendition, region)
    )`.execute(database);
    await database.schema
      .createTable('reach')
      .addColumn('step_ms', 'bigint', (column) => column.notNull())
      .addColumn('at_ms', 'bigint', (column) => column.notNull())
      .addColumn('stream', 'text', (column) => column.notNull())
      .addColumn('sketch', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('reach_key', ['step_ms', 'at_ms', 'stream'])
      .execute();
  },
};

/** In the order of their names; a published one never changes. */
export const migrations: MigrationProvider = {
  async getMigrations() {
    return {
      '0001-rollups-and-sessions': firstTables,
      '0002-quality-and-truth': addCounterColumns(qualityAndTruthColumns),
      '0003-cdn-usage': cdnUsage,
      '0004-latency-and-bitrate': addCounterColumns(latencyAndBitrateColumns),
      '0005-relayed-bytes': addCounterColumns(relayColumns),
      '0006-regions-and-reach': regionsAndReach,
      '0007-held-out': addCounterColumns(heldOutColumns),
    };
  },
};
