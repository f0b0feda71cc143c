// A server program of the system as a child process: started, waited for until its port answers,
// stopped or killed, started again. PostgreSQL, nginx, Redis and the others are run by it.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';

export interface ChildServerOptions {
  readonly command: string;
  readonly arguments: readonly string[];
  /** TCP ports on 127.0.0.1 that all have to answer before it counts as started. */
  readonly ports: readonly number[];
  readonly directory?: string | undefined;
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** User and group to run as; those of this process by default. */
  readonly account?: { readonly uid: number; readonly gid: number } | undefined;
  /** Ends it at once with all that it started; SIGKILL by default. */
  readonly killSignal?: NodeJS.Signals | undefined;
}

/** Python's servers take seconds each where the machine is busy. */
const startTimeoutMs = 60_000;
const pollIntervalMs = 50;
const keptOutputCharacters = 8_000;

/** The name of the program, as the user knows it, and what it said last. */
export class ChildServerError extends Error {
  constructor(command: string, problem: string, output: string) {
    super(`${command} ${problem}${output === '' ? '' : `:\n${output}`}`);
    this.name = 'ChildServerError';
  }
}

export class ChildServer {
  readonly #options: ChildServerOptions;
  #child: ChildProcess | null = null;
  #output = '';

  private constructor(options: ChildServerOptions) {
    this.#options = options;
  }

  /** @throws ChildServerError when it ends or does not listen in time */
  static async start(options: ChildServerOptions): Promise<ChildServer> {
    const server = new ChildServer(options);
    await server.resume();
    return server;
  }

  get processId(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Starts it again as it was. @throws ChildServerError */
  async resume(): Promise<void> {
    const { command, directory, environment, account, ports } = this.#options;
    this.#output = '';
    const child = spawn(command, [...this.#options.arguments], {
      ...(directory === undefined ? {} : { cwd: directory }),
      // Debian's servers are in sbin, which is not on everybody's PATH.
      env: { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin`, ...environment },
      ...account,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    let failure: string | null = null;
    child.once('error', (error) => {
      failure = `could not be started: ${error.message}`;
    });
    child.once('exit', (code, signal) => {
      failure ??= `ended with ${code ?? signal}`;
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString()).slice(-keptOutputCharacters);
      });
    }
    const deadlineMs = performance.now() + startTimeoutMs;
    for (const port of ports) {
      while (!(await isListening(port))) {
        if (failure !== null) throw new ChildServerError(command, failure, this.#output);
        if (performance.now() > deadlineMs) {
          await this.kill();
          throw new ChildServerError(command, `does not listen on ${port}`, this.#output);
        }
        await new Promise((resolve) => setTimeout(resolve, pollIntervalMs));
      }
    }
  }

  /** Passes a signal on; does nothing when it does not run. */
  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  /** Ends it at once, as a crash would. Idempotent. */
  async kill(): Promise<void> {
    await this.#end(this.#options.killSignal ?? 'SIGKILL');
  }

  /** Lets it finish what it does. Idempotent. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.#end(signal);
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.pid === undefined) return;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }
}

export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const settle = (value: boolean) => () => {
      socket.destroy();
      resolve(value);
    };
    socket.once('connect', settle(true)).once('error', settle(false));
  });
}
