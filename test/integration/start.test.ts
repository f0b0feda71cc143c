// `npm start` as its user meets it: URLs and `ready`, clear refusals, a clean end.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pollUntil } from '../support/poll-until.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

let dataDir = '';
let child: ChildProcess | null = null;

beforeEach(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'shoal-start-'));
});

afterEach(async () => {
  if (child?.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await once(child, 'close');
  }
  await rm(dataDir, { recursive: true, force: true });
});

interface Start {
  readonly process: ChildProcess;
  /** Everything it has printed so far, on both streams. */
  readonly output: () => string;
}

function start(
  argumentList: readonly string[],
  variables: Readonly<Record<string, string>>,
): Start {
  const started = spawn(
    process.execPath,
    ['--import', 'tsx', 'infra/local/start.ts', ...argumentList],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        SHOAL_INGEST_PORT: '0',
        SHOAL_TRACKER_PORT: '0',
        SHOAL_DATA_DIR: dataDir,
        ...variables,
      },
    },
  );
  child = started;
  let text = '';
  const collect = (chunk: Buffer): void => {
    text += chunk.toString();
  };
  started.stdout.on('data', collect);
  started.stderr.on('data', collect);
  return { process: started, output: () => text };
}

async function exitCodeOf({ process: started }: Start): Promise<number | null> {
  if (started.exitCode === null && started.signalCode === null) await once(started, 'close');
  return started.exitCode;
}

const urlOf = (output: string, name: string): string =>
  new RegExp(`^${name} +(\\S+)`, 'm').exec(output)?.[1] ?? '';

describe('npm start', () => {
  it('prints its URLs and ready, serves them, and ends with exit code 0 on SIGTERM', async () => {
    const started = start([], {});
    const output = await pollUntil(() => /^ready$/m.test(started.output()) && started.output(), {
      timeoutMs: 50_000,
      description: 'ready',
    });
    for (const name of ['Broadcast', 'Watch', 'Dashboard']) {
      const response = await fetch(urlOf(output, name));
      await response.body?.cancel();
      expect([name, response.status]).toEqual([name, 200]);
    }
    const playlist = await fetch(urlOf(output, 'Playlist'));
    await playlist.body?.cancel();
    expect(playlist.status).toBe(404);
    expect(urlOf(output, 'WHIP')).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/whip\/demo$/);
    expect(urlOf(output, 'Tracker')).toMatch(/^ws:\/\/127\.0\.0\.1:\d+$/);
    expect(urlOf(output, 'Key')).toMatch(/^[\w-]{24}$/);
    started.process.kill('SIGTERM');
    expect(await exitCodeOf(started)).toBe(0);
  });

  it('prints no key when keys are configured', async () => {
    const started = start([], { SHOAL_STREAM_KEYS: 'show:not-to-be-printed' });
    await pollUntil(() => /^ready$/m.test(started.output()), {
      timeoutMs: 50_000,
      description: 'ready',
    });
    expect(started.output()).not.toMatch(/^Key /m);
    expect(started.output()).not.toContain('not-to-be-printed');
    started.process.kill('SIGINT');
    expect(await exitCodeOf(started)).toBe(0);
  });

  it('explains its usage and exits with 2 on an unknown argument', async () => {
    const started = start(['--dmo'], {});
    expect(await exitCodeOf(started)).toBe(2);
    expect(started.output()).toContain("'--dmo'");
    expect(started.output()).toContain('Usage: npm start');
  });

  it('names what is wrong with the environment and exits with 2', async () => {
    const started = start([], { SHOAL_LADDER: 'huge', SHOAL_TYPO: '1' });
    expect(await exitCodeOf(started)).toBe(2);
    expect(started.output()).toContain('SHOAL_LADDER: ');
    expect(started.output()).toContain('SHOAL_TYPO: unknown variable');
    expect(started.output()).not.toContain('    at ');
  });

  it('says which address is taken and exits with 1', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    try {
      const started = start([], { SHOAL_TRACKER_PORT: String(port) });
      expect(await exitCodeOf(started)).toBe(1);
      expect(started.output()).toContain(`127.0.0.1:${port} is in use already.`);
      expect(started.output()).not.toContain('    at ');
    } finally {
      other.close();
    }
  });
});
