// The connection to Redis, or Valkey, where trackers share what none of them can know alone. Made
// by the shared state; a Redis that is away is an expected outcome, and each tracker goes on alone.

import { Redis } from 'ioredis';
import type { Logger } from 'pino';

/** A viewer waits for these answers: late is as good as away. */
const commandTimeoutMs = 1_000;
const maxReconnectPauseMs = 2_000;

/** Resolves at once, whether Redis is there or not. */
export async function connectRedis(url: string, logger: Logger): Promise<Redis> {
  const redis = new Redis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: commandTimeoutMs,
    connectTimeout: commandTimeoutMs,
    enableAutoPipelining: true,
    retryStrategy: (attempt) => Math.min(200 * attempt, maxReconnectPauseMs),
  });
  let isAway = false;
  redis.on('error', (error: Error) => {
    if (!isAway) logger.warn({ err: error }, 'Redis is away; this tracker limits and counts alone');
    isAway = true;
  });
  redis.on('ready', () => {
    if (isAway) logger.info('Redis answers again');
    isAway = false;
  });
  // The listener above has reported it, and the client tries again by itself.
  await redis.connect().catch(() => {});
  return redis;
}
