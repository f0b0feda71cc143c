// A real PostgreSQL in a directory of its own, for one test file: initdb, start, databases, stop. It
// runs as another user where the tests run as root, as PostgreSQL insists.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { pollUntil } from './poll-until.ts';

const run = promisify(execFile);

/** Where Debian and Ubuntu put the programs that are not on the PATH. */
const debianRoot = '/usr/lib/postgresql';

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

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}

export class PostgresServer {
  readonly #directory: string;
  readonly #account: Account | null;
  readonly #port: number;
  #process: ChildProcess | null = null;
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
    this.#process = spawn(
      path.join(programDirectory(), 'postgres'),
      [
        ...['-D', path.join(this.#directory, 'data'), '-p', String(this.#port)],
        ...['-c', 'listen_addresses=127.0.0.1', '-c', `unix_socket_directories=${this.#directory}`],
      ],
      { ...this.#account, cwd: this.#directory, stdio: 'ignore' },
    );
    await pollUntil(() => this.#sql('postgres', 'select 1').then(() => true), {
      timeoutMs: 30_000,
      description: 'PostgreSQL answers',
    });
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
    const child = this.#process;
    this.#process = null;
    if (child === null || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    // SIGQUIT is PostgreSQL's immediate shutdown; SIGKILL would leave its children behind.
    child.kill('SIGQUIT');
    await ended;
  }

  async close(): Promise<void> {
    await this.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #sql(database: string, statement: string): Promise<void> {
    const address = ['-h', '127.0.0.1', '-p', String(this.#port), '-U', 'shoal', '-d', database];
    await run(path.join(programDirectory(), 'psql'), [...address, '-q', '-c', statement]);
  }
}
