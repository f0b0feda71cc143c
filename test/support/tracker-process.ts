// The tracker as a process of its own, as containers run it: for tests that kill it, and for several
// trackers at once.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../infra/local/free-port.ts';

export interface TrackerChild extends ChildProcess {
  readonly stdout: Readable;
  readonly stderr: Readable;
}

export interface TrackerProcess {
  readonly process: TrackerChild;
  readonly url: string;
  readonly port: number;
  /** SIGKILL; resolves when it is gone. Idempotent. */
  kill(): Promise<void>;
}

/** `npm run tracker` with this environment and nothing else but the PATH. */
export function spawnTrackerMain(environment: Record<string, string>): TrackerChild {
  return spawn(process.execPath, ['--import', 'tsx', 'tracker/main.ts'], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Resolves when it is ready, on a free port. */
export async function startTrackerProcess(
  environment: Record<string, string>,
): Promise<TrackerProcess> {
  const port = await freePort();
  const child = spawnTrackerMain({
    SHOAL_TRACKER_PORT: String(port),
    SHOAL_INGEST_PORT: '0',
    ...environment,
  });
  const exited = once(child, 'exit');
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-4_000);
  });
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (line === 'ready') break;
  }
  if (lines.at(-1) !== 'ready') throw new Error(`not ready: ${lines.join('\n')}\n${errors}`);
  return {
    process: child,
    url: `http://127.0.0.1:${port}`,
    port,
    kill: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await exited;
    },
  };
}
