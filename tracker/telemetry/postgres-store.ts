// The telemetry store for more than one machine: PostgreSQL through pg. It opens the pool and sets
// its limits; the queries are those of every SQL store.

import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import type { Logger } from 'pino';
import type { TelemetryDatabase } from './sql-schema.ts';
import { SqlStore } from './sql-store.ts';
import type { TelemetryStore } from './telemetry-store.ts';

/** Commits come one at a time; the rest is for readers. */
const maxConnections = 4;
/** A database that does not answer in this time counts as gone: viewers wait for their 204. */
const connectTimeoutMs = 3_000;
const statementTimeoutMs = 10_000;
const idleTimeoutMs = 30_000;

/**
 * Opens the database at `url` (`postgres://user:password@host:port/database`) with its tables made
 * as needed. Lost connections are replaced by themselves; meanwhile every call rejects.
 * @throws Error with its cause when the database does not answer or is not such a database
 */
export async function openPostgresStore(url: string, logger: Logger): Promise<TelemetryStore> {
  const pool = new pg.Pool({
    connectionString: url,
    max: maxConnections,
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: idleTimeoutMs,
    statement_timeout: statementTimeoutMs,
    // The server may never say that it stopped; this one ends the wait on our side.
    query_timeout: statementTimeoutMs,
    keepAlive: true,
    application_name: 'shoal-tracker',
  });
  // Of idle connections: without a listener it would end the process.
  pool.on('error', (error) => logger.warn({ err: error }, 'a database connection was lost'));
  const database = new Kysely<TelemetryDatabase>({ dialect: new PostgresDialect({ pool }) });
  try {
    const store = new SqlStore(database);
    await store.migrate();
    return store;
  } catch (error) {
    await database.destroy().catch(() => {});
    const { host, pathname } = new URL(url);
    throw new Error(
      `The telemetry database ${host}${pathname} cannot be opened; check SHOAL_TELEMETRY_STORE and that PostgreSQL runs there.`,
      { cause: error },
    );
  }
}
