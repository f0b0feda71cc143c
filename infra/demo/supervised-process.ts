// One child process of the demo: started from a TypeScript file, started again with growing
// pauses when it ends by itself, ended with its parent. Children see their parent's end as the
// end of the IPC channel, so that none outlives a parent that was killed.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Logger } from 'pino';

export interface SupervisedProcessOptions {
  /** For the log. */
  readonly name: string;
  /** File to run. */
  readonly modulePath: string;
  readonly argumentList: readonly string[];
  /** Added to this process's own environment. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  readonly logger: Logger;
  /** The child said that it does its work; called again after every restart. */
  readonly onReady?: (() => void) | undefined;
}

const firstRestartDelayMs = 1_000;
const maxRestartDelayMs = 30_000;
/** A child that lived this long starts anew with the shortest pause. */
const stableAfterMs = 60_000;
const killAfterMs = 6_000;

/** What a child sends over IPC when it does its work. */
export const readyMessage = 'ready';

export class SupervisedProcess {
  readonly #options: SupervisedProcessOptions;
  #child: ChildProcess | null = null;
  #restartTimer: NodeJS.Timeout | null = null;
  #restartDelayMs = firstRestartDelayMs;
  #closing: Promise<void> | null = null;

  constructor(options: SupervisedProcessOptions) {
    this.#options = options;
    this.#spawn();
  }

  /** Ends the child: SIGTERM, after six seconds SIGKILL. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#release();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #spawn(): void {
    const { name, modulePath, argumentList, environment, logger } = this.#options;
    const startedAtMs = performance.now();
    const child = fork(modulePath, [...argumentList], {
      execArgv: ['--import', import.meta.resolve('tsx')],
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // Ctrl-C reaches every process of the terminal's group: out of it, the parent decides.
      detached: true,
    });
    this.#child = child;
    child.on('message', (message) => {
      if (message === readyMessage) this.#options.onReady?.();
    });
    child.once('error', (error) => logger.error({ err: error, name }, 'child process failed'));
    child.once('exit', (exitCode, signal) => {
      this.#child = null;
      if (this.#closing !== null) return;
      if (performance.now() - startedAtMs > stableAfterMs) {
        this.#restartDelayMs = firstRestartDelayMs;
      }
      const delayMs = this.#restartDelayMs;
      this.#restartDelayMs = Math.min(delayMs * 2, maxRestartDelayMs);
      logger.warn({ name, exitCode, signal, delayMs }, 'child process ended, starting it again');
      this.#restartTimer = setTimeout(() => this.#spawn(), delayMs);
    });
  }

  async #release(): Promise<void> {
    if (this.#restartTimer) clearTimeout(this.#restartTimer);
    const child = this.#child;
    if (child?.pid === undefined) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    await ended;
    clearTimeout(timer);
  }
}
