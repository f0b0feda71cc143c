// Publishers that cost next to nothing: real WHIP sessions over which frames that were encoded
// before are sent again and again at their times. They run in a process of their own.

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What the process is told; its file of frames was written with `v8.serialize`. */
export interface ReplayOrder {
  readonly framesPath: string;
  readonly whipUrls: readonly string[];
  readonly key: string;
  /** Length of the frames, after which they begin anew. */
  readonly loopMs: number;
  /** Between the beginnings of two publishers. */
  readonly staggerMs: number;
}

/** What it says of each publisher, by `Date.now()`. */
export interface ReplayBeginning {
  readonly whipUrl: string;
  readonly postedAtMs: number;
  /** When its first frame was sent: frames follow at their times after it. */
  readonly firstFrameAtMs: number;
}

export class ReplayingPublishers {
  readonly beginnings: ReplayBeginning[] = [];
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;

  constructor(order: ReplayOrder) {
    const modulePath = fileURLToPath(new URL('replaying-publishers-main.ts', import.meta.url));
    this.#child = fork(modulePath, [JSON.stringify(order)], {
      execArgv: ['--import', import.meta.resolve('tsx')],
    });
    this.#child.on('message', (message) => this.beginnings.push(message as ReplayBeginning));
    this.#exited = new Promise((resolve) => this.#child.once('exit', () => resolve()));
  }

  get hasExited(): boolean {
    return this.#child.exitCode !== null;
  }

  /** Every publisher says goodbye. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#exited;
  }
}
