// What ingest can be told, and how the environment tells it; a key is made when none was given.
// Used by `main.ts` and by the local start of all services.

import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import type { IngestNode } from './cluster/ingest-node.ts';
import {
  type Environment,
  EnvironmentError,
  type LadderRung,
  type OriginStoreSetting,
  type PortRange,
} from './environment.ts';
import type { RetentionPolicy } from './origin/retention.ts';
import { parseStreamId, type StreamId } from './protocol/index.ts';
import type { WebhookTarget } from './webhooks/signed-request.ts';
import type { PublisherLimits } from './whip/publisher-limits.ts';

export interface IngestOptions {
  readonly host: string;
  /** `0` picks a free one; `url` tells it. */
  readonly port: number;
  /** URL as clients see it, without a slash at the end; derived from the address when absent. */
  readonly publicUrl?: string | undefined;
  /** URL of the tracker as clients see it (`http`, `https`, `ws` or `wss`); see `announceTracker`. */
  readonly trackerUrl?: string | undefined;
  /** The tracker gives tokens to anybody: viewers of the pages here take theirs from it. */
  readonly isTokenEndpointOpen?: boolean | undefined;
  /** Who may publish; also names the stream of the page to broadcast from (the first). */
  readonly streamKeys: ReadonlyMap<StreamId, string>;
  /** Where the disk store lives, in its subdirectory `origin`. */
  readonly dataDirectory: string;
  readonly store: OriginStoreSetting;
  /** How to reach the bucket of `store`. */
  readonly s3?: S3Access | undefined;
  /** Which recordings are kept; all of them when absent. */
  readonly retention?: RetentionPolicy | undefined;
  /** Who may delete recordings; nobody when absent. */
  readonly adminToken?: string | undefined;
  /** Other ingests with which this one shares the streams; none when absent. */
  readonly cluster?: ClusterSetting | undefined;
  /** Who is told what happens; nobody when absent. */
  readonly webhook?: WebhookTarget | undefined;
  /** Who is asked before somebody publishes; nobody when absent. */
  readonly admission?: WebhookTarget | undefined;
  /** This ffmpeg and no other; by default the first that works. */
  readonly ffmpegPath?: string | undefined;
  readonly ladder: readonly LadderRung[];
  readonly segmentSeconds: number;
  readonly dvrSeconds: number;
  /** How long a publisher that vanished may stay away before its broadcast ends. */
  readonly reconnectSeconds: number;
  readonly announcedIps?: readonly string[] | undefined;
  readonly udpPorts?: PortRange | undefined;
  readonly iceServers?: readonly string[] | undefined;
  readonly maxSessions?: number | undefined;
  readonly maxSessionsPerAddress?: number | undefined;
  /** What each publisher may send at most; no limit when absent. */
  readonly publisherLimits?: PublisherLimits | undefined;
  /** Built pages: `index.html`, `watch.html`, `embed.html`, `assets/`. */
  readonly pagesDirectory: string;
  /** Built player: `shoal.js`, `shoal.mjs`. */
  readonly playerDirectory: string;
  readonly logger: Logger;
}

export interface S3Access {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
}

export interface ClusterSetting {
  /** Redis or Valkey. */
  readonly registryUrl: string;
  readonly node: IngestNode;
}

export interface IngestSetup {
  readonly options: IngestOptions;
  /** Set when the environment names no key: to be printed once, as nobody else knows it. */
  readonly madeKey: { readonly stream: StreamId; readonly key: string } | null;
}

const pagesDirectory = fileURLToPath(new URL('dist/pages', import.meta.url));
const playerDirectory = fileURLToPath(new URL('../player/dist', import.meta.url));
const keyBytes = 18;

function madeKey() {
  const stream = parseStreamId('demo');
  if (stream === null) throw new RangeError('demo is no stream id');
  return { stream, key: randomBytes(keyBytes).toString('base64url') };
}

/** Where clients find the tracker, when that can be told before it has started. */
function trackerUrlOf(environment: Environment): string | undefined {
  const { SHOAL_PUBLIC_TRACKER_URL, SHOAL_TRACKER_PORT, SHOAL_HOST } = environment;
  if (SHOAL_PUBLIC_TRACKER_URL !== undefined) return SHOAL_PUBLIC_TRACKER_URL;
  return SHOAL_TRACKER_PORT === 0 ? undefined : `http://${SHOAL_HOST}:${SHOAL_TRACKER_PORT}`;
}

/** @throws EnvironmentError for a URL without the secret */
function targetOf(url: string | undefined, environment: Environment): WebhookTarget | undefined {
  if (url === undefined) return undefined;
  const { SHOAL_WEBHOOK_SECRET: secret } = environment;
  if (secret === undefined) {
    throw new EnvironmentError(['SHOAL_WEBHOOK_SECRET: set it with the URLs that it signs for.']);
  }
  return { url, secret };
}

function retentionOf(environment: Environment): RetentionPolicy | undefined {
  const { SHOAL_RETENTION_HOURS: hours, SHOAL_RETENTION_GB: gigabytes } = environment;
  if (hours === undefined && gigabytes === undefined) return undefined;
  return {
    maxAgeSeconds: hours === undefined ? null : hours * 3_600,
    maxTotalBytes: gigabytes === undefined ? null : gigabytes * 1_000_000_000,
  };
}

/** @throws EnvironmentError for a registry without the address of this node */
function clusterOf(environment: Environment): ClusterSetting | undefined {
  const { SHOAL_REGISTRY_URL: registryUrl, SHOAL_NODE_URL: url } = environment;
  if (registryUrl === undefined) return undefined;
  if (url === undefined) {
    throw new EnvironmentError(['SHOAL_NODE_URL: set it with SHOAL_REGISTRY_URL.']);
  }
  return { registryUrl, node: { url, publicUrl: environment.SHOAL_NODE_PUBLIC_URL ?? null } };
}

/** @throws EnvironmentError when the store is a bucket and its keys are missing */
function s3AccessOf(environment: Environment): S3Access | undefined {
  if (typeof environment.SHOAL_ORIGIN_STORE === 'string') return undefined;
  const { SHOAL_S3_ACCESS_KEY: accessKey, SHOAL_S3_SECRET_KEY: secretKey } = environment;
  if (accessKey === undefined || secretKey === undefined) {
    throw new EnvironmentError([
      'SHOAL_ORIGIN_STORE: set SHOAL_S3_ACCESS_KEY and SHOAL_S3_SECRET_KEY with s3://.',
    ]);
  }
  const { SHOAL_S3_ENDPOINT: endpoint, SHOAL_S3_REGION: region } = environment;
  return { endpoint, region, accessKey, secretKey };
}

/**
 * The options that the environment asks for.
 * @throws EnvironmentError when they do not fit together
 */
export function ingestSetup(environment: Environment, logger: Logger): IngestSetup {
  const made = environment.SHOAL_STREAM_KEYS.size === 0 ? madeKey() : null;
  return {
    madeKey: made,
    options: {
      host: environment.SHOAL_HOST,
      port: environment.SHOAL_INGEST_PORT,
      publicUrl: environment.SHOAL_PUBLIC_INGEST_URL,
      trackerUrl: trackerUrlOf(environment),
      isTokenEndpointOpen:
        environment.SHOAL_VIEWER_TOKEN_SECRET !== undefined &&
        environment.SHOAL_TOKEN_ENDPOINT === 'yes',
      streamKeys:
        made === null ? environment.SHOAL_STREAM_KEYS : new Map([[made.stream, made.key]]),
      dataDirectory: environment.SHOAL_DATA_DIR,
      store: environment.SHOAL_ORIGIN_STORE,
      s3: s3AccessOf(environment),
      retention: retentionOf(environment),
      adminToken: environment.SHOAL_ADMIN_TOKEN,
      cluster: clusterOf(environment),
      webhook: targetOf(environment.SHOAL_WEBHOOK_URL, environment),
      admission: targetOf(environment.SHOAL_ADMISSION_URL, environment),
      ffmpegPath: environment.SHOAL_FFMPEG_PATH,
      ladder: environment.SHOAL_LADDER,
      segmentSeconds: environment.SHOAL_SEGMENT_SECONDS,
      dvrSeconds: environment.SHOAL_DVR_SECONDS,
      reconnectSeconds: environment.SHOAL_RECONNECT_SECONDS,
      announcedIps: environment.SHOAL_ANNOUNCED_IPS,
      udpPorts: environment.SHOAL_WHIP_UDP_PORTS,
      iceServers: environment.SHOAL_ICE_SERVERS,
      maxSessions: environment.SHOAL_MAX_SESSIONS,
      maxSessionsPerAddress: environment.SHOAL_MAX_SESSIONS_PER_ADDRESS,
      publisherLimits: {
        maxBitrateBps: environment.SHOAL_MAX_PUBLISH_KBPS * 1_000,
        maxLines: environment.SHOAL_MAX_PUBLISH_LINES,
      },
      pagesDirectory,
      playerDirectory,
      logger,
    },
  };
}
