// A real object store on one machine: OpenStack Swift with its S3 interface, which checks signatures.
// Its processes and files belong to who starts it; Debian's packages bring the programs.

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { ChildServer } from '../local/child-server.ts';
import { freePort } from '../local/free-port.ts';

const run = promisify(execFile);

/** The account that `tempauth` knows, as S3 clients name it. */
export const swiftAccess = {
  region: 'us-east-1',
  accessKey: 'test:tester',
  secretKey: 'testing',
} as const;

const servers = ['account', 'container', 'object'] as const;
const pipeline = [
  ...['catch_errors', 'gatekeeper', 'healthcheck', 'cache', 'listing_formats', 's3api'],
  ...['tempauth', 'bulk', 'slo', 'dlo', 'copy', 'proxy-server'],
];

interface Ports {
  readonly account: number;
  readonly container: number;
  readonly object: number;
  readonly proxy: number;
  readonly memcached: number;
}

function section(name: string, values: Readonly<Record<string, string>>): string {
  const lines = Object.entries(values).map(([key, value]) => `${key} = ${value}`);
  return [`[${name}]`, ...lines, ''].join('\n');
}

function commonSection(directory: string, port: number): string {
  return section('DEFAULT', {
    bind_ip: '127.0.0.1',
    bind_port: String(port),
    swift_dir: path.join(directory, 'rings'),
    devices: path.join(directory, 'data'),
    mount_check: 'false',
    // Everything in one process, as the user that runs the tests.
    workers: '0',
    user: os.userInfo().username,
  });
}

function storageConfiguration(directory: string, server: string, port: number): string {
  const name = `${server}-server`;
  return [
    commonSection(directory, port),
    section('pipeline:main', { pipeline: name }),
    section(`app:${name}`, { use: `egg:swift#${server}` }),
    ...['replicator', 'updater', 'auditor', 'sharder'].map((part) =>
      section(`${server}-${part}`, {}),
    ),
  ].join('\n');
}

function proxyConfiguration(directory: string, ports: Ports): string {
  const options: Readonly<Record<string, Record<string, string>>> = {
    cache: { use: 'egg:swift#memcache', memcache_servers: `127.0.0.1:${ports.memcached}` },
    s3api: { location: swiftAccess.region, s3_acl: 'false', auth_pipeline_check: 'false' },
    tempauth: { user_test_tester: `${swiftAccess.secretKey} .admin` },
  };
  const filters = pipeline
    .slice(0, -1)
    .map((name) => section(`filter:${name}`, { use: `egg:swift#${name}`, ...options[name] }));
  return [
    commonSection(directory, ports.proxy),
    section('pipeline:main', { pipeline: pipeline.join(' ') }),
    section('app:proxy-server', { use: 'egg:swift#proxy', account_autocreate: 'true' }),
    ...filters,
  ].join('\n');
}

export class SwiftServer {
  readonly url: string;
  readonly #directory: string;
  readonly #servers: readonly ChildServer[];

  private constructor(directory: string, ports: Ports, children: readonly ChildServer[]) {
    this.url = `http://127.0.0.1:${ports.proxy}`;
    this.#directory = directory;
    this.#servers = children;
  }

  /** Resolves when it answers; takes one to three seconds. */
  static async start(): Promise<SwiftServer> {
    const directory = await mkdtemp(path.join(os.tmpdir(), 'shoal-swift-'));
    const ports: Ports = {
      account: await freePort(),
      container: await freePort(),
      object: await freePort(),
      proxy: await freePort(),
      memcached: await freePort(),
    };
    await mkdir(path.join(directory, 'rings'));
    await mkdir(path.join(directory, 'data', 'disk'), { recursive: true });
    await Promise.all(servers.map((server) => makeRing(directory, server, ports[server])));
    const file = (name: string): string => path.join(directory, `${name}.conf`);
    await writeFile(file('proxy'), proxyConfiguration(directory, ports));
    for (const server of servers) {
      await writeFile(file(server), storageConfiguration(directory, server, ports[server]));
    }
    const memcached = ['-u', os.userInfo().username, '-l', '127.0.0.1', '-p', `${ports.memcached}`];
    const programs = [
      { command: 'memcached', arguments: memcached, ports: [ports.memcached] },
      ...([...servers, 'proxy'] as const).map((name) => ({
        command: `swift-${name}-server`,
        arguments: [file(name)],
        ports: [ports[name]],
      })),
    ];
    const children = await Promise.all(programs.map((program) => ChildServer.start(program)));
    return new SwiftServer(directory, ports, children);
  }

  async makeBucket(name: string): Promise<void> {
    // Through Swift's own interface: our S3 client makes no buckets.
    const { accessKey, secretKey } = swiftAccess;
    const headers = { 'x-auth-user': accessKey, 'x-auth-key': secretKey };
    const login = await fetch(`${this.url}/auth/v1.0`, { headers });
    const [account, token] = ['x-storage-url', 'x-auth-token'].map((key) => login.headers.get(key));
    if (!account || !token) throw new Error(`Swift let nobody in: ${login.status}`);
    const request = { method: 'PUT', headers: { 'x-auth-token': token } };
    const response = await fetch(`${account}/${name}`, request);
    if (!response.ok) throw new Error(`the bucket was not made: ${response.status}`);
  }

  /** Ends all of it at once; the data stay. */
  async kill(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.kill()));
  }

  /** Starts it again after {@link kill}. */
  async resume(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.resume()));
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** One replica on one device: enough for a test. */
async function makeRing(directory: string, server: string, port: number): Promise<void> {
  const builder = path.join(directory, 'rings', `${server}.builder`);
  await run('swift-ring-builder', [builder, 'create', '4', '1', '1']);
  await run('swift-ring-builder', [builder, 'add', `r1z1-127.0.0.1:${port}/disk`, '1']);
  await run('swift-ring-builder', [builder, 'rebalance']);
}
