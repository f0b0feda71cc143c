// The demo's broadcaster as a process that a test can kill, so that it vanishes without a goodbye,
// as a publisher does whose machine or uplink dies.

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const modulePath = fileURLToPath(new URL('../../infra/demo/broadcaster-main.ts', import.meta.url));
const startTimeoutMs = 30_000;

export interface KillablePublisherOptions {
  readonly whipUrl: string;
  readonly key: string;
  readonly codec: 'h264' | 'vp8';
  /** Of its picture; 1280x720 by default. */
  readonly size?: `${number}x${number}`;
}

export class KillablePublisher {
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exited = new Promise((resolve) => child.once('exit', () => resolve()));
  }

  /** Resolves when it publishes, and with `null` when the server refuses it. */
  static async start(options: KillablePublisherOptions): Promise<KillablePublisher | null> {
    const { whipUrl, codec, size = '1280x720' } = options;
    const child = fork(modulePath, ['--whip', whipUrl, '--codec', codec, '--size', size], {
      execArgv: ['--import', import.meta.resolve('tsx')],
      env: { ...process.env, SYNTHETIC_BROADCASTER_KEY: options.key },
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      // A process group: its ffmpeg is killed with it.
      detached: true,
    });
    const publisher = new KillablePublisher(child);
    const isReady = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), startTimeoutMs);
      const settle = (value: boolean): void => {
        clearTimeout(timer);
        resolve(value);
      };
      child.once('message', () => settle(true));
      child.once('exit', () => settle(false));
    });
    if (isReady) return publisher;
    await publisher.kill();
    return null;
  }

  /** Lets it say goodbye: it ends its broadcast by DELETE. */
  async leave(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#exited;
  }

  /** Ends it at once: no DELETE, no DTLS close, no RTCP BYE. */
  async kill(): Promise<void> {
    const { pid } = this.#child;
    if (pid === undefined || this.#child.exitCode !== null) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It has just ended by itself.
    }
    await this.#exited;
  }
}
