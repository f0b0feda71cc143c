// The telemetry stage: wires beacons in, egress in, savings out around one store, and closes
// them in reverse. The tracker starts it and registers its routes.

import type { IncomingMessage } from 'node:http';
import type { StreamId } from '@shoal/ingest/protocol';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { IngestHealth } from '../protocol/index.ts';
import { registerBeaconRoutes, type VerifyBeaconToken } from './beacon-routes.ts';
import { registerCdnUsageRoutes } from './cdn-usage-routes.ts';
import { EventStream } from './event-stream.ts';
import { type BeaconCounter, GroupCommit } from './group-commit.ts';
import { LoadGate } from './load-gate.ts';
import { OriginEgress } from './origin-egress.ts';
import { Rollup } from './pure/rollup.ts';
import { SwarmPictures } from './pure/swarm-pictures.ts';
import { SavingsReader } from './savings-reader.ts';
import { registerSavingsRoutes } from './savings-routes.ts';
import { registerSwarmRoutes } from './swarm-routes.ts';
import { TelemetryMetrics } from './telemetry-metrics.ts';
import type { TelemetryStore } from './telemetry-store.ts';

export interface TelemetryOptions {
  /** Belongs to the stage from here on, which closes it. */
  readonly store: TelemetryStore;
  readonly logger: Logger;
  readonly registry: Registry;
  /** Base URL to ask for egress; `null` for none. */
  readonly ingestUrl: string | null;
  readonly publicIngestUrl: string | null;
  readonly egressPollMs: number;
  readonly pricePerGb: number;
  readonly currency: string;
  readonly eventIntervalMs: number;
  readonly maxEventClients: number;
  readonly maxSessions: number;
  /** Whether the dashboard's routes ask for a token. */
  readonly isDashboardProtected: boolean;
  /** Takes only beacons of streams that ingest has. */
  readonly knownStreamsOnly: boolean;
  /** Asked for every beacon; `null`: beacons need no token. */
  readonly verifyToken: VerifyBeaconToken | null;
  /** The region of a viewer by its request; `null`: without a geo database. */
  readonly regionOf: ((request: IncomingMessage) => string) | null;
  /** Which tracker counts a beacon; `null`: this one is alone. */
  readonly claims: BeaconCounter | null;
  readonly playerConfigVersion: () => number;
}

export interface TelemetryHealth {
  readonly isStoreHealthy: boolean;
  readonly beaconsCounted: number;
  readonly beaconsRefused: number;
  readonly admittedShare: number;
  readonly ingest: IngestHealth | null;
}

/** A page view without a beacon for this long is over; repeats after it would count again. */
const sessionTimeoutMs = 10 * 60_000;
const pruneIntervalMs = 60_000;
const egressTimeoutMs = 2_000;
const maxPendingSums = 5_000;
const maxWaitingBeacons = 20_000;
/** A player gives its request up after 5 s; a tracker this late is on the way there. */
const maxLagMs = 200;

export class Telemetry {
  readonly #options: TelemetryOptions;
  readonly #rollup: Rollup;
  readonly #metrics: TelemetryMetrics;
  readonly #commit: GroupCommit;
  readonly #egress: OriginEgress | null;
  readonly #reader: SavingsReader;
  readonly #events: EventStream;
  readonly #load = new LoadGate(maxLagMs);
  readonly #pictures = new SwarmPictures();
  readonly #pruneTimer: NodeJS.Timeout;
  #closing: Promise<void> | null = null;

  private constructor(options: TelemetryOptions, rollup: Rollup) {
    this.#options = options;
    this.#rollup = rollup;
    const { store, logger, registry, maxSessions: _, ...rest } = options;
    this.#metrics = new TelemetryMetrics(registry, rollup.sessions);
    const { claims } = options;
    const commit = new GroupCommit({
      rollup,
      store,
      logger,
      claims,
      maxWaiting: maxWaitingBeacons,
    });
    this.#commit = commit;
    this.#egress =
      rest.ingestUrl === null
        ? null
        : new OriginEgress({
            ingestUrl: rest.ingestUrl,
            pollIntervalMs: rest.egressPollMs,
            timeoutMs: egressTimeoutMs,
            logger,
            onEgress: async (bytes, nowMs) => {
              if (await store.holdsEgressDuty()) commit.submitEgress(bytes, nowMs);
            },
          });
    this.#reader = new SavingsReader({
      store,
      sessions: rollup.sessions,
      pricePerGb: rest.pricePerGb,
      currency: rest.currency,
      liveStreams: () => (this.#egress?.isReachable ? this.#egress.liveStreams : null),
      publicIngestUrl: rest.publicIngestUrl,
    });
    this.#events = new EventStream({
      reader: this.#reader,
      logger,
      intervalMs: rest.eventIntervalMs,
      maxClients: rest.maxEventClients,
      onClientCount: (count) => this.#metrics.eventClients.set(count),
    });
    this.#pruneTimer = setInterval(() => void this.#prune(), pruneIntervalMs);
  }

  /** Starts with the sessions that the store remembers. Rejects with the store's error. */
  static async start(options: TelemetryOptions): Promise<Telemetry> {
    let telemetry: Telemetry | null = null;
    const rollup = new Rollup({
      maxSessions: options.maxSessions,
      maxPendingSums,
      maxBitrateBps: (stream) => telemetry?.maxBitrateBps(stream) ?? null,
    });
    rollup.sessions.restore(await options.store.loadSessions(Date.now() - sessionTimeoutMs));
    telemetry = new Telemetry(options, rollup);
    return telemetry;
  }

  /** Whether what is acknowledged now would be stored. */
  get isReady(): boolean {
    return this.#closing === null && this.#commit.isHealthy;
  }

  get health(): TelemetryHealth {
    const { counted, refused } = this.#metrics.beaconCounts;
    return {
      isStoreHealthy: this.#commit.isHealthy,
      beaconsCounted: counted,
      beaconsRefused: refused,
      admittedShare: this.#load.share,
      ingest: this.#egress?.health ?? null,
    };
  }

  /** Whether ingest has this stream, `null` while it has not said. */
  knowsStream(stream: StreamId): boolean | null {
    return this.#egress?.knows(stream) ?? null;
  }

  /** The highest bit rate of a stream, `null` while ingest has not said it. */
  maxBitrateBps(stream: StreamId): number | null {
    return this.#egress?.maxBitrateBps(stream) ?? null;
  }

  async registerRoutes(server: FastifyInstance): Promise<void> {
    // In a scope of their own: beacons replace the body parsers.
    await server.register((scope, _options, done) => {
      registerBeaconRoutes(scope, {
        commit: this.#commit,
        load: this.#load,
        pictures: this.#pictures,
        regionOf: this.#options.regionOf,
        knowsStream: this.#options.knownStreamsOnly ? (stream) => this.knowsStream(stream) : null,
        metrics: this.#metrics,
        playerConfigVersion: this.#options.playerConfigVersion,
        verifyToken: this.#options.verifyToken,
      });
      done();
    });
    registerCdnUsageRoutes(server, {
      store: this.#options.store,
      isProtected: this.#options.isDashboardProtected,
    });
    registerSavingsRoutes(server, { reader: this.#reader, events: this.#events });
    registerSwarmRoutes(server, this.#pictures);
  }

  /** Ends the live events, so that the HTTP server can close. Idempotent. */
  endEvents(): void {
    this.#events.close();
  }

  /** Stores what is pending and closes the store. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearInterval(this.#pruneTimer);
    this.#load.close();
    this.#events.close();
    await this.#egress?.close();
    await this.#commit.close();
    await this.#options.store.close();
  }

  async #prune(): Promise<void> {
    const nowMs = Date.now();
    this.#rollup.sessions.expire(nowMs, sessionTimeoutMs);
    try {
      await this.#options.store.prune(nowMs, nowMs - sessionTimeoutMs);
    } catch (error) {
      this.#options.logger.warn({ err: error }, 'old telemetry could not be dropped');
    }
  }
}
