// The benchmark's side of a process of viewers: tells it who joins and leaves, gathers what they
// report. The other side is swarm-viewers-main.ts.

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { LoadFigures } from './load-watch.ts';
import type { ViewerSpec } from './swarm-cases.ts';

export type HostCommand =
  | {
      readonly kind: 'join';
      readonly id: number;
      readonly spec: ViewerSpec;
      readonly playlistUrl: string;
      readonly trackerUrl: string;
      readonly bitrateBps: number;
    }
  | { readonly kind: 'leave'; readonly id: number }
  | { readonly kind: 'report' };

/** Counters of one viewer since it joined. */
export interface ViewerReport {
  readonly id: number;
  readonly isCheat: boolean;
  readonly canUpload: boolean;
  readonly joinedAtMs: number;
  readonly cdnBytes: number;
  readonly uploadedBytes: number;
  readonly discardedBytes: number;
  readonly stallSeconds: number;
  readonly startupSeconds: number | null;
  readonly latencySeconds: number | null;
  readonly peerCount: number;
  readonly messages: number;
  readonly fetchedBytes: Readonly<Record<string, number>>;
  /** Segments that reached the player since the last report, and when. */
  readonly stored: readonly { readonly number: number; readonly atMs: number }[];
}

export interface HostReport {
  readonly viewers: readonly ViewerReport[];
  readonly load: LoadFigures;
}

const entry = fileURLToPath(new URL('swarm-viewers-main.ts', import.meta.url));

export class ViewerHost {
  readonly #process: ChildProcess;
  readonly #waiting: ((report: HostReport) => void)[] = [];
  readonly #onLeft: (report: ViewerReport) => void;

  constructor(onLeft: (report: ViewerReport) => void) {
    this.#onLeft = onLeft;
    this.#process = fork(entry, { execArgv: process.execArgv });
    this.#process.on('message', (message: HostReport | { left: ViewerReport }) => {
      if ('left' in message) this.#onLeft(message.left);
      else this.#waiting.shift()?.(message);
    });
  }

  send(command: Exclude<HostCommand, { kind: 'report' }>): void {
    this.#process.send(command);
  }

  report(): Promise<HostReport> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#process.send({ kind: 'report' } satisfies HostCommand);
    });
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.disconnect();
    await ended;
  }
}
