// From the environment to the tracker's own options, with every default of the tracker. main.ts
// and `npm start` call it; nothing below the composition root sees the environment.

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Environment, EnvironmentError } from '@shoal/ingest/environment';
import { type Logger, pino } from 'pino';
import type { TurnSetting } from './admission/turn-credentials.ts';
import {
  type PlayerConfigChange,
  parsePlayerConfigChange,
} from './remote-config/player-config-board.ts';

/** Where telemetry stays: in one SQLite file, in a PostgreSQL database, or nowhere. */
export type TelemetryStoreSetting =
  | { readonly kind: 'sqlite'; readonly filePath: string }
  | { readonly kind: 'postgres'; readonly url: string }
  | { readonly kind: 'memory' };

export interface TrackerOptions {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** The tracker's http(s) URL as clients see it; `null`: the one it listens on. */
  readonly publicUrl: string | null;
  readonly store: TelemetryStoreSetting;
  /** Base URL of ingest, asked for the origin's egress; `null` asks nobody. */
  readonly ingestUrl: string | null;
  /** Ingest's URL as viewers see it, for links on the dashboard; `null` shows none. */
  readonly publicIngestUrl: string | null;
  readonly pricePerGb: number;
  /** ISO 4217. */
  readonly currency: string;
  readonly logger: Logger;
  /** Directory with the built dashboard. */
  readonly dashboardDir: string;
  /** Believe the last entry of X-Forwarded-For; only behind a proxy that writes it. */
  readonly trustProxy: boolean;
  /** STUN and TURN servers for viewers; `null` for none. */
  readonly turn: TurnSetting | null;
  /** Joining a swarm and posting beacons needs a token signed with it; `null`: open to all. */
  readonly viewerTokenSecret: string | null;
  /** `GET /api/v1/viewer-token` gives anybody a token; for trials. */
  readonly isTokenEndpointOpen: boolean;
  /** Where trackers share limits, revoked tokens and counted beacons; `null`: this one is alone. */
  readonly redisUrl: string | null;
  /** Files with countries and network operators of addresses; none: neither is known. */
  readonly geoDatabasePaths: readonly string[];
  /** Seeing the dashboard and its figures needs this token; `null`: everybody may. */
  readonly dashboardToken: string | null;
  /** What players are told at first, see GET /api/v1/player-config. */
  readonly playerConfig: PlayerConfigChange;
  readonly announceIntervalSeconds: number;
  /** Peers introduced by one announce. */
  readonly maxPeersPerAnnounce: number;
  /** WebSocket messages of one viewer, and announces from one address. */
  readonly messageRate: { readonly perSecond: number; readonly burst: number };
  readonly announcesPerAddress: { readonly perSecond: number; readonly burst: number };
  /** Longest time over which viewers are sent away when the tracker stops. */
  readonly drainMs: number;
  readonly heartbeatIntervalMs: number;
  readonly maxSockets: number;
  readonly maxSocketsPerAddress: number;
  readonly maxSwarmsPerSocket: number;
  readonly maxPeersPerSwarm: number;
  /** A swarm with more viewers than this is split by network. */
  readonly maxPeersPerPart: number;
  readonly maxSwarmsPerStream: number;
  readonly egressPollMs: number;
  readonly eventIntervalMs: number;
  readonly maxEventClients: number;
  readonly maxSessions: number;
  /** Takes beacons and viewers only of streams that ingest has; needs {@link ingestUrl}. */
  readonly knownStreamsOnly: boolean;
}

export const trackerDefaults = {
  host: '127.0.0.1',
  port: 8090,
  publicUrl: null,
  store: { kind: 'memory' },
  ingestUrl: null,
  publicIngestUrl: null,
  pricePerGb: 0.05,
  currency: 'USD',
  logger: pino({ level: 'silent' }),
  dashboardDir: fileURLToPath(new URL('./dist/dashboard', import.meta.url)),
  trustProxy: false,
  turn: null,
  viewerTokenSecret: null,
  isTokenEndpointOpen: false,
  redisUrl: null,
  geoDatabasePaths: [],
  dashboardToken: null,
  playerConfig: {},
  // Of viewers that have met enough peers; the others announce every few seconds.
  announceIntervalSeconds: 20,
  maxPeersPerAnnounce: 10,
  // A viewer answers every offer it gets: a flash crowd makes hundreds of messages within seconds.
  messageRate: { perSecond: 50, burst: 300 },
  // As many as all sockets of one address announce when they joined at once.
  announcesPerAddress: { perSecond: 200, burst: 2_000 },
  drainMs: 10_000,
  heartbeatIntervalMs: 15_000,
  maxSockets: 20_000,
  // A company or a mobile carrier may share one address.
  maxSocketsPerAddress: 512,
  // A player is in one swarm per rendition; a page may hold several players.
  maxSwarmsPerSocket: 64,
  maxPeersPerSwarm: 20_000,
  // Each part brings a copy from the CDN of its own: half of a thousandth at most.
  maxPeersPerPart: 2_000,
  // Renditions of a live stream and of its recordings.
  maxSwarmsPerStream: 1_000,
  egressPollMs: 2_000,
  eventIntervalMs: 2_000,
  maxEventClients: 200,
  maxSessions: 100_000,
  knownStreamsOnly: false,
} as const satisfies TrackerOptions;

/** The tracker's options in an environment; what is not set there is {@link trackerDefaults}. */
export function trackerOptionsOf(environment: Environment, logger: Logger): TrackerOptions {
  const publicUrl = environment.SHOAL_PUBLIC_TRACKER_URL?.replace(/^ws/, 'http') ?? null;
  const ingestUrl = ingestUrlOf(environment);
  return {
    ...trackerDefaults,
    host: environment.SHOAL_HOST,
    port: environment.SHOAL_TRACKER_PORT,
    publicUrl,
    store: storeSettingOf(environment),
    ingestUrl,
    publicIngestUrl: environment.SHOAL_PUBLIC_INGEST_URL ?? ingestUrl,
    pricePerGb: environment.SHOAL_CDN_PRICE_PER_GB,
    logger,
    turn: turnSettingOf(environment),
    viewerTokenSecret: environment.SHOAL_VIEWER_TOKEN_SECRET ?? null,
    isTokenEndpointOpen: environment.SHOAL_TOKEN_ENDPOINT === 'yes',
    redisUrl: environment.SHOAL_REDIS_URL ?? null,
    geoDatabasePaths: environment.SHOAL_GEO_DATABASE,
    // A public URL means production: closed unless the operator opens it.
    knownStreamsOnly:
      (environment.SHOAL_KNOWN_STREAMS_ONLY ?? (publicUrl === null ? 'no' : 'yes')) === 'yes',
    maxPeersPerSwarm: environment.SHOAL_SWARM_VIEWERS,
    maxPeersPerPart: environment.SHOAL_SWARM_PART_VIEWERS,
    dashboardToken: environment.SHOAL_DASHBOARD_TOKEN ?? null,
    playerConfig: parsePlayerConfigChange(environment.SHOAL_PLAYER_CONFIG ?? {}),
    // A public URL means that a proxy stands in front, and that all sockets come from its address.
    trustProxy: publicUrl !== null,
  };
}

/** @throws EnvironmentError for TURN servers without the secret that they share with the tracker */
function turnSettingOf(environment: Environment): TurnSetting | null {
  const { SHOAL_TURN_URLS: urls, SHOAL_TURN_SECRET: secret } = environment;
  if (urls === undefined || urls.length === 0) return null;
  if (secret === undefined && urls.some((url) => url.startsWith('turn'))) {
    throw new EnvironmentError(['SHOAL_TURN_SECRET: set it with the turn: URLs.']);
  }
  return { urls, secret: secret ?? null };
}

function storeSettingOf(environment: Environment): TelemetryStoreSetting {
  const setting = environment.SHOAL_TELEMETRY_STORE;
  if (setting === 'memory') return { kind: 'memory' };
  if (setting !== undefined && /^postgres(ql)?:/.test(setting)) {
    return { kind: 'postgres', url: setting };
  }
  const filePath =
    setting?.replace(/^sqlite:/, '') ??
    path.join(environment.SHOAL_DATA_DIR, 'telemetry', 'telemetry.sqlite');
  return { kind: 'sqlite', filePath };
}

/** Ingest on this machine, unless its port is not known or only its public URL is. */
function ingestUrlOf(environment: Environment): string | null {
  if (environment.SHOAL_INGEST_PORT === 0) return environment.SHOAL_PUBLIC_INGEST_URL ?? null;
  if (environment.SHOAL_PUBLIC_INGEST_URL !== undefined) return environment.SHOAL_PUBLIC_INGEST_URL;
  return httpUrlOf(environment.SHOAL_HOST, environment.SHOAL_INGEST_PORT);
}

/** An http URL that reaches a listener on `host`; of "all addresses" it names this machine. */
export function httpUrlOf(host: string, port: number): string {
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}
