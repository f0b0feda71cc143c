// The whole system as production has it, on one machine from Debian's packages: nginx in front of two
// ingests and three trackers, PostgreSQL, Redis, Swift as S3, coturn, Prometheus. `npm start --
// --production-like` and an end-to-end test run it.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { NginxEdge } from '../edge/nginx-edge.ts';
import type { ChildServer } from '../local/child-server.ts';
import { freePort } from '../local/free-port.ts';
import { startService } from '../local/service-process.ts';
import { CoturnServer } from '../turn/coturn-server.ts';
import { PostgresServer } from './postgres-server.ts';
import { PrometheusServer } from './prometheus-server.ts';
import { RedisServer } from './redis-server.ts';
import { SwiftServer, swiftAccess } from './swift-server.ts';

export interface ProductionLikeOptions {
  /** As in `SHOAL_STREAM_KEYS`. */
  readonly streamKeys: string;
  /** Where the edge listens; free ports by default. */
  readonly port?: number | undefined;
  readonly trackerPort?: number | undefined;
  /** On top of what this process has. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
}

const ingestCount = 2;
const trackerCount = 3;
const bucket = 'shoal';

/** One of several equal services. */
export interface Replica {
  readonly address: string;
  readonly process: ChildServer;
}

interface Parts {
  readonly directory: string;
  readonly postgres: PostgresServer;
  readonly redis: RedisServer;
  readonly swift: SwiftServer;
  readonly coturn: CoturnServer;
  readonly edge: NginxEdge;
  readonly ingests: readonly Replica[];
  readonly trackers: readonly Replica[];
  readonly prometheus: PrometheusServer;
}

type Closer = () => Promise<unknown>;
/** Waits for a part and remembers how it is closed. */
type Owned = <Part>(part: Promise<Part>, close: (part: Part) => Promise<unknown>) => Promise<Part>;
type Environment = Readonly<Record<string, string>>;

export class ProductionLikeSet {
  readonly parts: Parts;
  readonly #closers: Closer[];
  #closing: Promise<void> | null = null;

  private constructor(parts: Parts, closers: Closer[]) {
    this.parts = parts;
    this.#closers = closers;
  }

  /** Resolves when everything answers. @throws ChildServerError; nothing is left running then */
  static async start(options: ProductionLikeOptions): Promise<ProductionLikeSet> {
    const closers: Closer[] = [];
    try {
      return new ProductionLikeSet(await startParts(options, closers), closers);
    } catch (error) {
      await closeAll(closers);
      throw error;
    }
  }

  /** Everything that viewers and publishers need is here. */
  get url(): string {
    return this.parts.edge.url;
  }

  get trackerUrl(): string {
    return this.parts.edge.trackerUrl;
  }

  /** Ends it in reverse order, and forgets all data. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= closeAll(this.#closers);
    return this.#closing;
  }
}

async function closeAll(closers: readonly Closer[]): Promise<void> {
  for (const close of closers.toReversed()) await close();
}

async function startParts(options: ProductionLikeOptions, closers: Closer[]): Promise<Parts> {
  const directory = await mkdtemp(path.join(tmpdir(), 'shoal-production-'));
  closers.push(() => rm(directory, { recursive: true, force: true }));
  const turnSecret = randomBytes(24).toString('base64url');
  const owned: Owned = async (part, close) => {
    const started = await part;
    closers.push(() => close(started));
    return started;
  };
  const [postgres, redis, swift, coturn] = await Promise.all([
    owned(PostgresServer.start(), (part) => part.close()),
    owned(RedisServer.start(), (part) => part.kill()),
    owned(SwiftServer.start(), (part) => part.stop()),
    owned(CoturnServer.start(turnSecret), (part) => part.close()),
  ]);
  await swift.makeBucket(bucket);
  const databaseUrl = await postgres.createDatabase();
  const ingestPorts = await freePorts(ingestCount);
  const trackerPorts = await freePorts(trackerCount);
  // Before the services: their public URLs are the edge's.
  const edge = await owned(
    NginxEdge.start({
      ingests: ingestPorts.map(addressOf),
      trackers: trackerPorts.map(addressOf),
      port: options.port,
      trackerPort: options.trackerPort,
    }),
    (part) => part.close(),
  );
  const environment = {
    ...options.environment,
    SHOAL_HOST: '127.0.0.1',
    SHOAL_STREAM_KEYS: options.streamKeys,
    SHOAL_PUBLIC_INGEST_URL: edge.url,
    SHOAL_PUBLIC_TRACKER_URL: edge.trackerUrl,
    SHOAL_ORIGIN_STORE: `s3://${bucket}/live`,
    SHOAL_S3_ENDPOINT: swift.url,
    SHOAL_S3_ACCESS_KEY: swiftAccess.accessKey,
    SHOAL_S3_SECRET_KEY: swiftAccess.secretKey,
    SHOAL_REGISTRY_URL: redis.url,
    SHOAL_TELEMETRY_STORE: databaseUrl,
    SHOAL_TURN_URLS: coturn.url,
    SHOAL_TURN_SECRET: turnSecret,
    // Everybody comes from the edge's address.
    SHOAL_MAX_SESSIONS_PER_ADDRESS: '64',
  };
  await shareIntegrityKey(directory);
  const [ingests, trackers] = await Promise.all([
    startIngests(ingestPorts, environment, directory, owned),
    startTrackers(trackerPorts, environment, directory, owned),
  ]);
  const prometheus = await owned(
    PrometheusServer.start({
      ingests: ingestPorts.map(addressOf),
      trackers: trackerPorts.map(addressOf),
    }),
    (part) => part.close(),
  );
  return { directory, postgres, redis, swift, coturn, edge, ingests, trackers, prometheus };
}

function startIngests(
  ports: readonly number[],
  environment: Environment,
  directory: string,
  owned: Owned,
): Promise<readonly Replica[]> {
  const started = ports.map((port, index) =>
    startReplica('ingest/main.ts', port, {
      ...environment,
      SHOAL_INGEST_PORT: String(port),
      SHOAL_NODE_URL: `http://${addressOf(port)}`,
      SHOAL_DATA_DIR: nodeDirectory(directory, index),
    }),
  );
  return Promise.all(started.map((each) => owned(each, ({ process }) => process.stop())));
}

/** One after the other: the first one makes the tables. */
async function startTrackers(
  ports: readonly number[],
  environment: Environment,
  directory: string,
  owned: Owned,
): Promise<readonly Replica[]> {
  const trackers: Replica[] = [];
  for (const port of ports) {
    const started = startReplica('tracker/main.ts', port, {
      ...environment,
      SHOAL_TRACKER_PORT: String(port),
      SHOAL_DATA_DIR: directory,
    });
    trackers.push(await owned(started, ({ process }) => process.stop()));
  }
  return trackers;
}

async function startReplica(
  entry: 'ingest/main.ts' | 'tracker/main.ts',
  port: number,
  environment: Environment,
): Promise<Replica> {
  const process = await startService({ entry, port, environment });
  return { address: addressOf(port), process };
}

function addressOf(port: number): string {
  return `127.0.0.1:${port}`;
}

function nodeDirectory(directory: string, index: number): string {
  return path.join(directory, `ingest-${index + 1}`);
}

/** One key for all ingests: players that have learned it check what any of them serves. */
async function shareIntegrityKey(directory: string): Promise<void> {
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  for (let index = 0; index < ingestCount; index += 1) {
    const node = nodeDirectory(directory, index);
    await mkdir(node, { recursive: true });
    await writeFile(path.join(node, 'integrity-key.pem'), pem, { mode: 0o600 });
  }
}

async function freePorts(count: number): Promise<readonly number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = await freePort();
    if (!ports.includes(port)) ports.push(port);
  }
  return ports;
}
