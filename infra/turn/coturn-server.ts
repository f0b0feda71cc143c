// coturn on one machine with Shoal's configuration, for the production-like set and the tests: on
// the loopback address, which it would refuse elsewhere.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ChildServer } from '../local/child-server.ts';
import { freePort } from '../local/free-port.ts';

const configurationFile = fileURLToPath(new URL('turnserver.conf', import.meta.url));

export class CoturnServer {
  readonly port: number;
  readonly #directory: string;
  readonly #server: ChildServer;

  private constructor(port: number, directory: string, server: ChildServer) {
    this.port = port;
    this.#directory = directory;
    this.#server = server;
  }

  /** @param secret shared with the tracker */
  static async start(secret: string): Promise<CoturnServer> {
    const directory = await mkdtemp(path.join(tmpdir(), 'shoal-turn-'));
    const port = await freePort();
    const server = await ChildServer.start({
      command: 'turnserver',
      arguments: [
        ...['-c', configurationFile, '--static-auth-secret', secret, '--realm', 'shoal.local'],
        ...['--listening-port', String(port), '--listening-ip', '127.0.0.1'],
        ...['--relay-ip', '127.0.0.1', '--allow-loopback-peers'],
        ...['--pidfile', path.join(directory, 'turnserver.pid')],
        ...['--userdb', path.join(directory, 'turndb')],
      ],
      directory,
      ports: [port],
    });
    return new CoturnServer(port, directory, server);
  }

  /** For `SHOAL_TURN_URLS`. */
  get url(): string {
    return `turn:127.0.0.1:${this.port}?transport=udp`;
  }

  async kill(): Promise<void> {
    await this.#server.kill();
  }

  async resume(): Promise<void> {
    await this.#server.resume();
  }

  async close(): Promise<void> {
    await this.kill();
    await rm(this.#directory, { recursive: true, force: true });
  }
}
