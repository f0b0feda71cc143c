// The telemetry store for more than one machine: PostgreSQL through pg. It opens the pool and sets
// its limits; the queries are those of every SQL store.

import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import type { Logger } from 'pino';
import type { TelemetryDatabase } from './sql-schema.ts';
import { type SharedDuty, SqlStore } from './sql-store.ts';
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
    const store = new SqlStore(database, new AdvisoryDuty(url));
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

/** Any number that nobody else takes on this database. */
const egressLockId = 5_246_301;

/**
 * One of the trackers on a database has this duty: who holds an advisory lock on a connection of its
 * own. The lock falls with the connection, and another tracker takes it when it asks next.
 */
class AdvisoryDuty implements SharedDuty {
  readonly #url: string;
  #client: pg.Client | null = null;
  #isHeld = false;
  #isClosed = false;

  constructor(url: string) {
    this.#url = url;
  }

  /** Asked for every answer of ingest; a database that is away is nobody's. */
  async hold(): Promise<boolean> {
    if (this.#isClosed) return false;
    try {
      const client = this.#client ?? (await this.#connect());
      if (this.#isHeld) return true;
      const { rows } = await client.query<{ held: boolean }>(
        'select pg_try_advisory_lock($1) as held',
        [egressLockId],
      );
      this.#isHeld = rows[0]?.held === true;
      return this.#isHeld;
    } catch {
      await this.#drop();
      return false;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#drop();
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.#url,
      connectionTimeoutMillis: connectTimeoutMs,
      query_timeout: statementTimeoutMs,
      keepAlive: true,
      application_name: 'shoal-tracker-duty',
    });
    client.on('error', () => void this.#drop());
    client.on('end', () => void this.#drop());
    await client.connect();
    this.#client = client;
    return client;
  }

  async #drop(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    this.#isHeld = false;
    // A connection that is gone has nothing to say goodbye to.
    await client?.end().catch(() => {});
  }
}
