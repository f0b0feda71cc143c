// The embedded telemetry store: one SQLite file through libsql. It opens and tunes the file; the
// queries are those of every SQL store.

import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { Kysely, SqliteDialect, sql } from 'kysely';
import Database from 'libsql';
import type { TelemetryDatabase } from './sql-schema.ts';
import { SqlStore } from './sql-store.ts';
import type { TelemetryStore } from './telemetry-store.ts';

/** How long a write waits for another process that has the file, before it fails. */
const busyTimeoutMs = 2_000;

/**
 * Opens the database in `filePath`, with its directory and tables made as needed.
 * @throws Error with its cause when the file cannot be opened or is not such a database
 */
export async function openSqliteStore(filePath: string): Promise<TelemetryStore> {
  let database: Kysely<TelemetryDatabase> | null = null;
  try {
    await mkdir(path.dirname(path.resolve(filePath)), { recursive: true });
    database = new Kysely<TelemetryDatabase>({
      dialect: new SqliteDialect({ database: new Database(filePath) }),
    });
    await sql`pragma busy_timeout = ${sql.lit(busyTimeoutMs)}`.execute(database);
    // With a write-ahead log a commit is in the page cache when it returns: it survives the end of
    // the process, and readers do not wait. NORMAL leaves the fsync to checkpoints, so a power cut
    // may take the last seconds; FULL would stop the event loop for every fsync.
    await sql`pragma journal_mode = wal`.execute(database);
    await sql`pragma synchronous = normal`.execute(database);
    const store = new SqlStore(database);
    await store.migrate();
    return store;
  } catch (error) {
    await database?.destroy().catch(() => {});
    throw new Error(
      `The telemetry database ${filePath} cannot be opened; check the path, its permissions and the free space.`,
      { cause: error },
    );
  }
}
