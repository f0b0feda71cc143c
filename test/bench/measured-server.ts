// A server process under measurement: its port, its CPU time and its memory, asked for over the
// channel of its parent. The tracker and telemetry benchmarks load it.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface ServerFigures {
  /** User and system time since its start. */
  readonly cpuSeconds: number;
  readonly rssBytes: number;
}

const serverFile = fileURLToPath(new URL('tracker-server-main.ts', import.meta.url));

export class MeasuredServer {
  readonly port: number;
  readonly #process: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#process = child;
    this.port = port;
  }

  static async start(...argumentList: string[]): Promise<MeasuredServer> {
    const child = fork(serverFile, argumentList, {
      execArgv: ['--expose-gc', '--import', 'tsx'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    return new MeasuredServer(child, port);
  }

  /** After a garbage collection, so that the memory is what is needed. */
  async figures(): Promise<ServerFigures> {
    const answer = once(this.#process, 'message');
    this.#process.send('figures');
    const [{ cpu, rssBytes }] = (await answer) as [{ cpu: NodeJS.CpuUsage; rssBytes: number }];
    return { cpuSeconds: (cpu.user + cpu.system) / 1e6, rssBytes };
  }

  async stop(): Promise<void> {
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }
}
