// A TCP port that nobody listens on now, for programs that cannot choose one by themselves. The
// servers of the production-like set use it, and tests.

import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below what systems give to outgoing connections (Linux from 32768, others from 49152): a server
 * that is away for a moment would find its port taken by a client, perhaps by one that looks for it.
 */
const lowestPort = 20_000;
const highestPort = 32_000;
const maxAttempts = 100;
/** Not given twice by this process: the first may not listen yet. */
const given = new Set<number>();

/** @throws Error when all that were tried are taken */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const port = randomInt(lowestPort, highestPort);
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
  throw new Error(`no port between ${lowestPort} and ${highestPort} was free`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  const closed = once(server, 'close');
  server.close();
  await closed;
  return true;
}
