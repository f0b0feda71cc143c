// The telemetry stores that need nothing but this machine, held to the contract of all of them.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Kysely, Migrator, SqliteDialect, sql } from 'kysely';
import Database from 'libsql';
import { afterAll, expect, it } from 'vitest';
import { MemoryStore } from '../../tracker/telemetry/memory-store.ts';
import { migrations } from '../../tracker/telemetry/sql-schema.ts';
import { openSqliteStore } from '../../tracker/telemetry/sqlite-store.ts';
import { describeTelemetryStore } from '../support/telemetry-store-contract.ts';

const directories: string[] = [];

afterAll(async () => {
  for (const directory of directories) await rm(directory, { recursive: true });
});

describeTelemetryStore('memory', async () => new MemoryStore());

describeTelemetryStore('sqlite', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'shoal-store-'));
  directories.push(directory);
  return openSqliteStore(path.join(directory, 'sub', 'telemetry.sqlite'));
});

it('brings a database of the first version up to date and keeps its sums', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'shoal-store-'));
  directories.push(directory);
  const filePath = path.join(directory, 'telemetry.sqlite');
  const old = new Kysely<never>({
    dialect: new SqliteDialect({ database: new Database(filePath) }),
  });
  const migrator = new Migrator({ db: old, provider: migrations });
  expect((await migrator.migrateTo('0001-rollups-and-sessions')).error).toBeUndefined();
  await sql`insert into delivery values (10000, 1800000000000, 'demo', '720p', 1, 2, 3, 4, 5, 6, 7, 8, 9)`.execute(
    old,
  );
  await old.destroy();
  const store = await openSqliteStore(filePath);
  const span = { fromMs: 1_800_000_000_000, toMs: 1_800_000_010_000, intervalMs: 10_000 };
  const { totals } = await store.readWindow({ stream: null, ...span });
  await store.close();
  expect(totals).toMatchObject({ cdnBytes: 1, peerBytes: 2, startupMs: 9, setAsideCount: 0 });
});
