// A TCP port that nobody listens on now, for programs that cannot choose one by themselves. The
// servers of the production-like set use it, and tests.

import { once } from 'node:events';
import { createServer } from 'node:net';

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const closed = once(server, 'close');
  server.close();
  await closed;
  if (address === null || typeof address === 'string') throw new Error('the system gave no port');
  return address.port;
}
