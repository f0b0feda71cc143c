// Composition root of the tracker: one HTTP server with signalling, telemetry and the dashboard
// on it. It starts the stages in the order of the data and closes them in reverse.

import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import { createViewerTokenVerifier, type VerifyViewerToken } from './admission/viewer-token.ts';
import {
  httpUrlOf,
  type TelemetryStoreSetting,
  type TrackerOptions,
  trackerDefaults,
} from './config.ts';
import { protectDashboard, tokenCheck } from './dashboard-access.ts';
import { registerDashboard } from './dashboard-routes.ts';
import { GeoDatabase, type Place } from './geography/geo-database.ts';
import { createHttpServer } from './http-server.ts';
import { registerIceServers } from './ice-server-routes.ts';
import {
  PlayerConfigBoard,
  registerPlayerConfigRoutes,
} from './remote-config/player-config-board.ts';
import { registerServiceRoutes } from './service-routes.ts';
import { SharedState } from './shared/shared-state.ts';
import { addressKeyOf } from './signalling/address-key.ts';
import { SignallingServer } from './signalling/signalling-server.ts';
import { MemoryStore } from './telemetry/memory-store.ts';
import { openPostgresStore } from './telemetry/postgres-store.ts';
import { openSqliteStore } from './telemetry/sqlite-store.ts';
import { Telemetry } from './telemetry/telemetry.ts';
import type { TelemetryStore } from './telemetry/telemetry-store.ts';
import { registerTokenRoutes } from './token-routes.ts';

export { signViewerToken, type ViewerTokenClaims } from './admission/viewer-token.ts';
export { type TrackerOptions, trackerDefaults, trackerOptionsOf } from './config.ts';
export { type Problem, TrackerError, type TrackerErrorCode, trackerErrors } from './errors.ts';

export class Tracker {
  /** http(s) URL of API and dashboard as clients see it; the WebSocket has the same host and port. */
  readonly url: string;
  /** The port that it listens on. */
  readonly port: number;
  readonly #options: TrackerOptions;
  readonly #server: FastifyInstance;
  readonly #signalling: SignallingServer;
  readonly #telemetry: Telemetry;
  readonly #shared: SharedState;
  #closing: Promise<void> | null = null;
  #forgetSignal: () => void = () => {};

  private constructor(
    options: TrackerOptions,
    server: FastifyInstance,
    signalling: SignallingServer,
    telemetry: Telemetry,
    shared: SharedState,
  ) {
    this.#options = options;
    this.#server = server;
    this.#signalling = signalling;
    this.#telemetry = telemetry;
    this.#shared = shared;
    const address = server.server.address();
    this.port = isAddressInfo(address) ? address.port : options.port;
    this.url = options.publicUrl ?? httpUrlOf(options.host, this.port);
  }

  /** ws(s) URL for players. */
  get webSocketUrl(): string {
    return this.url.replace(/^http/, 'ws');
  }

  /**
   * Starts listening; what is absent in `options` comes from {@link trackerDefaults}.
   * Rejects when the port is taken or the store does not open; `signal` closes the tracker.
   */
  static async start(options: Partial<TrackerOptions>, signal?: AbortSignal): Promise<Tracker> {
    signal?.throwIfAborted();
    const all: TrackerOptions = { ...trackerDefaults, ...options };
    const tracker = await startStages(all, (server, signalling, telemetry, shared) => {
      return new Tracker(all, server, signalling, telemetry, shared);
    });
    if (signal?.aborted) {
      await tracker.close('aborted');
      signal.throwIfAborted();
    }
    if (signal !== undefined) tracker.#closeOn(signal);
    all.logger.info({ port: tracker.port }, 'the tracker is ready');
    return tracker;
  }

  /** Says goodbye to viewers, stores what was acknowledged, frees the port. Idempotent. */
  close(reason: string): Promise<void> {
    this.#closing ??= this.#close(reason);
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close('disposed');
  }

  #closeOn(signal: AbortSignal): void {
    const onAbort = (): void => void this.close('aborted');
    signal.addEventListener('abort', onAbort, { once: true });
    this.#forgetSignal = () => signal.removeEventListener('abort', onAbort);
  }

  async #close(reason: string): Promise<void> {
    this.#forgetSignal();
    await this.#signalling.close(reason);
    this.#telemetry.endEvents();
    await this.#server.close();
    await this.#telemetry.close();
    await this.#shared.close();
    this.#options.logger.info({ reason }, 'the tracker has stopped');
  }
}

type Compose = (
  server: FastifyInstance,
  signalling: SignallingServer,
  telemetry: Telemetry,
  shared: SharedState,
) => Tracker;

async function startStages(options: TrackerOptions, compose: Compose): Promise<Tracker> {
  const registry = new Registry();
  const server = await createHttpServer(options.logger);
  const secret = options.viewerTokenSecret;
  const geo = await openGeo(options.geoDatabasePaths);
  let ending: SignallingServer | null = null;
  const board = new PlayerConfigBoard(options.playerConfig);
  const shared = await SharedState.start({
    redisUrl: options.redisUrl,
    logger: options.logger.child({ stage: 'shared' }),
    onRevoked: (tokenId) => ending?.endToken(tokenId),
    playerConfig: board,
  });
  const verifyToken = secret === null ? null : verifierOf(secret, shared);
  const telemetry = await startTelemetry(options, registry, verifyToken, shared, geo, board).catch(
    async (error: unknown) => {
      await shared.close();
      throw error;
    },
  );
  const signalling = new SignallingServer({
    ...options,
    httpServer: server.server,
    logger: options.logger.child({ stage: 'signalling' }),
    registry,
    verifyToken,
    knowsStream: options.knownStreamsOnly ? (stream) => telemetry.knowsStream(stream) : null,
    sharedSockets: shared.sockets,
    regionKeysOf: (addressKey) => (geo === null ? [] : regionKeysOf(geo.lookUp(addressKey))),
  });
  ending = signalling;
  try {
    if (options.dashboardToken !== null) protectDashboard(server, options.dashboardToken);
    await telemetry.registerRoutes(server);
    if (secret !== null && verifyToken !== null) {
      registerTokenRoutes(server, {
        secret,
        verifyToken,
        revocations: shared.revocations,
        isEndpointOpen: options.isTokenEndpointOpen,
        isProtected: options.dashboardToken !== null,
      });
    }
    registerPlayerConfigRoutes(server, {
      board,
      shared: shared.playerConfig,
      isOperator: options.dashboardToken === null ? null : tokenCheck(options.dashboardToken),
      onChange: (config) => options.logger.info(config, 'the player configuration was changed'),
    });
    await registerDashboard(server, options.dashboardDir);
    registerIceServers(server, { turn: options.turn, verifyToken });
    registerServiceRoutes(server, { telemetry, signalling, registry });
    await server.listen({ host: options.host, port: options.port });
  } catch (error) {
    await signalling.close('the start failed');
    await server.close();
    await telemetry.close();
    await shared.close();
    throw error;
  }
  return compose(server, signalling, telemetry, shared);
}

/** A token that was revoked is none. */
function verifierOf(secret: string, { revocations }: SharedState): VerifyViewerToken {
  const verify = createViewerTokenVerifier(secret);
  return async (token) => {
    const permission = await verify(token);
    const tokenId = permission?.tokenId ?? null;
    return tokenId !== null && revocations.has(tokenId, Date.now()) ? null : permission;
  };
}

async function startTelemetry(
  options: TrackerOptions,
  registry: Registry,
  verifyToken: VerifyViewerToken | null,
  shared: SharedState,
  geo: GeoDatabase | null,
  board: PlayerConfigBoard,
): Promise<Telemetry> {
  const logger = options.logger.child({ stage: 'telemetry' });
  return Telemetry.start({
    ...options,
    isDashboardProtected: options.dashboardToken !== null,
    playerConfigVersion: () => board.config.version,
    store: await openStore(options.store, logger),
    logger,
    registry,
    verifyToken,
    claims: shared.claims,
    regionOf:
      geo === null
        ? null
        : (request) => geo.lookUp(addressKeyOf(request, options.trustProxy)).country ?? '',
  });
}

async function openGeo(filePaths: readonly string[]): Promise<GeoDatabase | null> {
  return filePaths.length === 0 ? null : await GeoDatabase.open(filePaths);
}

/** Of one network operator first: its viewers are near each other in more than miles. */
function regionKeysOf({ asNumber, country }: Place): readonly string[] {
  return [
    ...(asNumber === null ? [] : [`AS${asNumber}`]),
    ...(country === null ? [] : [`country ${country}`]),
  ];
}

async function openStore(setting: TelemetryStoreSetting, logger: Logger): Promise<TelemetryStore> {
  switch (setting.kind) {
    case 'memory':
      return new MemoryStore();
    case 'sqlite':
      return await openSqliteStore(setting.filePath);
    case 'postgres':
      return await openPostgresStore(setting.url, logger);
  }
}

function isAddressInfo(address: string | AddressInfo | null): address is AddressInfo {
  return typeof address === 'object' && address !== null;
}
