// The demo's child processes: started again when they end, ended with their parent.

import { fork } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SupervisedProcess } from '../../infra/demo/supervised-process.ts';
import { pollUntil } from '../support/poll-until.ts';

const supportFile = (name: string): string =>
  fileURLToPath(new URL(`../support/${name}`, import.meta.url));
const logger = pino({ level: 'silent' });

let directory = '';
let pidFile = '';

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'shoal-supervised-'));
  pidFile = path.join(directory, 'pids');
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

function processIds(): readonly number[] {
  if (!existsSync(pidFile)) return [];
  return readFileSync(pidFile, 'utf8').trim().split('\n').map(Number);
}

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch {
    return false;
  }
}

describe('SupervisedProcess', () => {
  it('tells that the child is ready and ends it on close', async () => {
    let readyCount = 0;
    const supervised = new SupervisedProcess({
      name: 'child',
      modulePath: supportFile('supervised-child.ts'),
      argumentList: [pidFile],
      logger,
      onReady: () => {
        readyCount += 1;
      },
    });
    await pollUntil(() => readyCount === 1, { timeoutMs: 20_000, description: 'ready child' });
    const [childId = 0] = processIds();
    expect(isAlive(childId)).toBe(true);
    await supervised.close();
    expect(isAlive(childId)).toBe(false);
    expect(processIds()).toHaveLength(1);
  });

  it('starts a child again that ends by itself, and no more after close', async () => {
    const supervised = new SupervisedProcess({
      name: 'child',
      modulePath: supportFile('supervised-child.ts'),
      argumentList: [pidFile, '--short'],
      logger,
    });
    await pollUntil(() => processIds().length >= 2, {
      timeoutMs: 30_000,
      description: 'a second child',
    });
    await supervised.close();
    expect(processIds().filter(isAlive)).toEqual([]);
  });

  it('leaves no child behind when the parent is killed', async () => {
    const parent = fork(supportFile('supervising-parent.ts'), [pidFile], {
      execArgv: ['--import', import.meta.resolve('tsx')],
      stdio: 'ignore',
    });
    const [childId] = await pollUntil(() => processIds().length > 0 && processIds(), {
      timeoutMs: 30_000,
      description: 'the child of the parent',
    });
    parent.kill('SIGKILL');
    await pollUntil(() => childId !== undefined && !isAlive(childId), {
      timeoutMs: 10_000,
      description: 'the end of the orphan',
    });
  });
});
