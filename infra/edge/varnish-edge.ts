// The edge with the system's Varnish and Shoal's VCL template, in a directory of its own: the variant
// of nginx-edge.ts for who has Varnish. Its tests run it.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ChildServer } from '../local/child-server.ts';
import { freePort } from '../local/free-port.ts';
import { fillTemplate } from './edge-template.ts';

const templateFile = fileURLToPath(new URL('varnish/shoal.vcl.template', import.meta.url));

export class VarnishEdge {
  readonly port: number;
  readonly #directory: string;
  readonly #server: ChildServer;

  private constructor(port: number, directory: string, server: ChildServer) {
    this.port = port;
    this.#directory = directory;
    this.#server = server;
  }

  /**
   * @param ingest `host:port`
   * @throws ChildServerError when Varnish refuses the VCL
   */
  static async start(ingest: string): Promise<VarnishEdge> {
    const directory = await mkdtemp(path.join(tmpdir(), 'shoal-varnish-'));
    const [host = '', ingestPort = ''] = ingest.split(':');
    const words = { EDGE_INGEST_HOST: host, EDGE_INGEST_PORT: ingestPort };
    const file = path.join(directory, 'shoal.vcl');
    await writeFile(file, fillTemplate(await readFile(templateFile, 'utf8'), words));
    const port = await freePort();
    const server = await ChildServer.start({
      command: 'varnishd',
      arguments: [
        ...['-F', '-j', 'none', '-a', `127.0.0.1:${port}`, '-f', file],
        ...['-n', path.join(directory, 'work'), '-s', 'malloc,256m', '-T', 'none'],
        // Hundreds of clients may wait for one answer.
        ...['-p', 'thread_pool_max=1000', '-p', 'thread_pools=2'],
      ],
      ports: [port],
      // Its child would outlive it after SIGKILL.
      killSignal: 'SIGTERM',
    });
    return new VarnishEdge(port, directory, server);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async close(): Promise<void> {
    await this.#server.kill();
    await rm(this.#directory, { recursive: true, force: true });
  }
}
