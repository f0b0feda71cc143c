// What trackers know together: sockets per address and token, revoked tokens, who counts which
// beacon, what players are told. The composition root makes it, with Redis or without, and hands its parts to the stages.

import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { BeaconClaims } from './beacon-claims.ts';
import { connectRedis } from './redis-connection.ts';
import { Revocations, revocationPollMs } from './revocations.ts';
import { type ChangedConfig, SharedPlayerConfig } from './shared-player-config.ts';
import { renewIntervalMs, SharedSockets } from './shared-sockets.ts';

export interface SharedStateOptions {
  /** `redis://host:port`; `null`: this tracker is alone. */
  readonly redisUrl: string | null;
  readonly logger: Logger;
  readonly onRevoked: (tokenId: string) => void;
  readonly playerConfig: ChangedConfig;
}

/** A kill switch must reach every player within 10 s, and their beacons come every 5 s. */
const playerConfigPollMs = 2_000;

export class SharedState {
  readonly revocations: Revocations;
  /** `null` without Redis. */
  readonly sockets: SharedSockets | null;
  readonly claims: BeaconClaims | null;
  readonly playerConfig: SharedPlayerConfig | null;
  readonly #redis: Redis | null;
  readonly #timers: readonly NodeJS.Timeout[];
  #closing: Promise<void> | null = null;

  private constructor(redis: Redis | null, options: SharedStateOptions) {
    const trackerId = randomBytes(9).toString('base64url');
    this.#redis = redis;
    this.revocations = new Revocations(redis, options.onRevoked);
    this.sockets = redis === null ? null : new SharedSockets(redis, trackerId);
    this.claims = redis === null ? null : new BeaconClaims(redis, trackerId);
    this.playerConfig = redis === null ? null : new SharedPlayerConfig(redis, options.playerConfig);
    this.#timers = [
      setInterval(() => void this.revocations.poll(Date.now()), revocationPollMs),
      setInterval(() => void this.playerConfig?.poll(), playerConfigPollMs),
      setInterval(() => void this.sockets?.renew(), renewIntervalMs),
    ];
  }

  /** Resolves also while Redis is away. */
  static async start(options: SharedStateOptions): Promise<SharedState> {
    const { redisUrl, logger } = options;
    const redis = redisUrl === null ? null : await connectRedis(redisUrl, logger);
    const state = new SharedState(redis, options);
    await Promise.all([state.revocations.poll(Date.now()), state.playerConfig?.poll()]);
    return state;
  }

  /** Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.sockets?.releaseAll();
    this.#redis?.disconnect();
  }
}
