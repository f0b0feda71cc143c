// A real PostgreSQL in a directory of its own: initdb, start, databases, stop. It
// runs as another user where its owner is root, as PostgreSQL insists.

import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { ChildServer } from '../local/child-server.ts';
import { freePort } from '../local/free-port.ts';

const run = promisify(execFile);

/** Where Debian and Ubuntu put the programs that are not on the PATH. */
const debianRoot = '/usr/lib/postgresql';
const readyTimeoutMs = 60_000;

interface Account {
  readonly uid: number;
  readonly gid: number;
}

function programDirectory(): string {
  const versions = existsSync(debianRoot) ? readdirSync(debianRoot) : [];
  const newest = versions.map(Number).sort((a, b) => b - a)[0];
  return newest === undefined ? '' : path.join(debianRoot, String(newest), 'bin');
}

async function unprivilegedAccount(): Promise<Account | null> {
  if (process.getuid?.() !== 0) return null;
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async (flag) => Number((await run('id', [flag, 'nobody'])).stdout)),
  );
  return uid === undefined || gid === undefined ? null : { uid, gid };
}

export class PostgresServer {
  readonly #directory: string;
  readonly #account: Account | null;
  readonly #port: number;
  #server: ChildServer | null = null;
  #databaseCount = 0;

  private constructor(directory: string, account: Account | null, port: number) {
    this.#directory = directory;
    this.#account = account;
    this.#port = port;
  }

  static async start(): Promise<PostgresServer> {
    const directory = await mkdtemp(path.join(tmpdir(), 'shoal-postgres-'));
    const account = await unprivilegedAccount();
    if (account !== null) await chown(directory, account.uid, account.gid);
    const server = new PostgresServer(directory, account, await freePort());
    const data = path.join(directory, 'data');
    await run(
      path.join(programDirectory(), 'initdb'),
      ['-D', data, '-U', 'shoal', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'],
      { ...account, cwd: directory },
    );
    await server.resume();
    return server;
  }

  /** Starts the server again after {@link stop}, on the same port with the same data. */
  async resume(): Promise<void> {
    this.#server = await ChildServer.start({
      command: path.join(programDirectory(), 'postgres'),
      arguments: [
        ...['-D', path.join(this.#directory, 'data'), '-p', String(this.#port)],
        ...['-c', 'listen_addresses=127.0.0.1', '-c', `unix_socket_directories=${this.#directory}`],
      ],
      ports: [this.#port],
      directory: this.#directory,
      account: this.#account ?? undefined,
      // SIGQUIT is PostgreSQL's immediate shutdown; SIGKILL would leave its children behind.
      killSignal: 'SIGQUIT',
    });
    await this.#untilReady();
  }

  /** A new empty database; resolves with its URL. */
  async createDatabase(): Promise<string> {
    this.#databaseCount += 1;
    const name = `test_${this.#databaseCount}`;
    await this.#sql('postgres', `create database ${name}`);
    return `postgres://shoal@127.0.0.1:${this.#port}/${name}`;
  }

  /** Ends the server at once, as a crash would: it recovers from its log when it resumes. */
  async stop(): Promise<void> {
    await this.#server?.kill();
    this.#server = null;
  }

  async close(): Promise<void> {
    await this.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** It listens before it has recovered, and refuses everybody until then. */
  async #untilReady(): Promise<void> {
    const deadlineMs = performance.now() + readyTimeoutMs;
    for (;;) {
      try {
        return await this.#sql('postgres', 'select 1');
      } catch (error) {
        if (performance.now() > deadlineMs) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  async #sql(database: string, statement: string): Promise<void> {
    const address = ['-h', '127.0.0.1', '-p', String(this.#port), '-U', 'shoal', '-d', database];
    await run(path.join(programDirectory(), 'psql'), [...address, '-q', '-c', statement]);
  }
}
