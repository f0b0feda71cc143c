// Redis in memory on one machine, from the system's package; Valkey speaks the same. The registry
// of ingests uses it, and tests kill it.

import { ChildServer } from '../local/child-server.ts';
import { freePort } from '../local/free-port.ts';

export class RedisServer {
  readonly url: string;
  readonly #server: ChildServer;

  private constructor(port: number, server: ChildServer) {
    this.url = `redis://127.0.0.1:${port}`;
    this.#server = server;
  }

  static async start(): Promise<RedisServer> {
    const port = await freePort();
    const server = await ChildServer.start({
      command: 'redis-server',
      // Leases are worth nothing after a restart: nothing is written to the disk.
      arguments: [
        '--port',
        String(port),
        '--bind',
        '127.0.0.1',
        '--save',
        '',
        '--appendonly',
        'no',
      ],
      ports: [port],
    });
    return new RedisServer(port, server);
  }

  async kill(): Promise<void> {
    await this.#server.kill();
  }

  /** Without what it knew. */
  async resume(): Promise<void> {
    await this.#server.resume();
  }
}
