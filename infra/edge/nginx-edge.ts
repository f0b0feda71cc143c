// The edge of one machine: the system's nginx with Shoal's template, in a directory of its own. The
// production-like set and the tests of the edge run it.

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ChildServer } from '../local/child-server.ts';
import { freePort } from '../local/free-port.ts';
import { type EdgeTls, edgeWords, fillTemplate } from './edge-template.ts';

const templateFile = fileURLToPath(new URL('templates/shoal.conf.template', import.meta.url));

export interface NginxEdgeOptions {
  /** `host:port` of every ingest, and of every tracker. */
  readonly ingests: readonly string[];
  readonly trackers: readonly string[];
  /** Free ones by default. */
  readonly port?: number | undefined;
  readonly trackerPort?: number | undefined;
  readonly tls?: EdgeTls | null | undefined;
  /** Where nginx logs errors from this level on. */
  readonly logLevel?: 'info' | 'warn' | 'error' | undefined;
  readonly workerCount?: number | undefined;
}

/** What the nginx image's own main file does, for a user without rights and one directory. */
function mainFile(directory: string, options: NginxEdgeOptions): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `  ${name}_temp_path ${path.join(directory, 'temporary', name)};`,
  );
  return [
    // As root, workers would become another user that may not write here.
    ...(process.getuid?.() === 0 ? ['user root;'] : []),
    `worker_processes ${options.workerCount ?? 2};`,
    `error_log ${path.join(directory, 'error.log')} ${options.logLevel ?? 'warn'};`,
    `pid ${path.join(directory, 'nginx.pid')};`,
    'daemon off;',
    'worker_rlimit_nofile 16384;',
    'events { worker_connections 8192; }',
    'http {',
    ...temporary,
    '  default_type application/octet-stream;',
    '  sendfile on;',
    '  tcp_nopush on;',
    `  include ${path.join(directory, 'shoal.conf')};`,
    '}',
    '',
  ].join('\n');
}

export class NginxEdge {
  readonly port: number;
  readonly trackerPort: number;
  readonly #directory: string;
  readonly #server: ChildServer;

  private constructor(
    ports: { port: number; trackerPort: number },
    directory: string,
    server: ChildServer,
  ) {
    this.port = ports.port;
    this.trackerPort = ports.trackerPort;
    this.#directory = directory;
    this.#server = server;
  }

  /** @throws ChildServerError when nginx refuses its configuration or a port */
  static async start(options: NginxEdgeOptions): Promise<NginxEdge> {
    const directory = await mkdtemp(path.join(tmpdir(), 'shoal-edge-'));
    const ports = {
      port: options.port ?? (await freePort()),
      trackerPort: options.trackerPort ?? (await freePort()),
    };
    await mkdir(path.join(directory, 'temporary'));
    const words = edgeWords({
      ...ports,
      ingests: options.ingests,
      trackers: options.trackers,
      cacheDirectory: path.join(directory, 'cache'),
      cacheSize: '1g',
      accessLog: path.join(directory, 'access.log'),
      tls: options.tls ?? null,
    });
    const filled = fillTemplate(await readFile(templateFile, 'utf8'), words);
    await writeFile(path.join(directory, 'shoal.conf'), filled);
    const configuration = path.join(directory, 'nginx.conf');
    await writeFile(configuration, mainFile(directory, options));
    const server = await ChildServer.start({
      command: 'nginx',
      arguments: ['-c', configuration, '-p', directory],
      ports: [ports.port, ports.trackerPort],
      // Its workers would go on without their master after SIGKILL.
      killSignal: 'SIGTERM',
    });
    return new NginxEdge(ports, directory, server);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get trackerUrl(): string {
    return `http://127.0.0.1:${this.trackerPort}`;
  }

  get accessLogFile(): string {
    return path.join(this.#directory, 'access.log');
  }

  get configurationFile(): string {
    return path.join(this.#directory, 'nginx.conf');
  }

  /** Ends all workers at once, as crashes would; nginx starts others. */
  async killWorkers(): Promise<void> {
    const master = this.#server.processId;
    if (master === null) return;
    // Linux alone has it; elsewhere nobody runs this edge.
    const children = await readFile(`/proc/${master}/task/${master}/children`, 'utf8');
    for (const worker of children.trim().split(/\s+/).map(Number)) {
      if (worker > 0) process.kill(worker, 'SIGKILL');
    }
  }

  errorLog(): Promise<string> {
    return readFile(path.join(this.#directory, 'error.log'), 'utf8');
  }

  /** Ends nginx at once; connections break. */
  async kill(): Promise<void> {
    await this.#server.kill();
  }

  /** Starts it again with the same ports and cache. */
  async resume(): Promise<void> {
    await this.#server.resume();
  }

  async close(): Promise<void> {
    await this.#server.kill();
    await rm(this.#directory, { recursive: true, force: true });
  }
}
