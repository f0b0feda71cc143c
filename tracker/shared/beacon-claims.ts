// Which tracker counts a beacon, when one that got no answer is repeated to another: claimed before
// it is counted, confirmed after it is stored. The group commit asks; Redis remembers.

import type { Redis } from 'ioredis';

/**
 * `ours`: count it. `counted`: it is stored. `elsewhere`: another tracker has it and has not said that
 * it is stored. `unknown`: Redis is away.
 */
export type BeaconClaim = 'ours' | 'counted' | 'elsewhere' | 'unknown';

/** A tracker that has not confirmed by then has died, or could not store it. */
const pendingMs = 15_000;
/** As long as repeats are told from new beacons elsewhere, see the telemetry's session timeout. */
const keptSeconds = 600;
/** Numbers this far behind the newest are too old to be counted anyhow. */
const keptNumbers = 64;

const claimScript = `
local known = redis.call('HGET', KEYS[1], ARGV[1])
if known == 'stored' then return 1 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if known then
  local owner, untilMs = string.match(known, '^(.-):(%d+)$')
  if owner ~= ARGV[2] and tonumber(untilMs) > now then return 2 end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ':' .. string.format('%d', now + ARGV[3]))
redis.call('HDEL', KEYS[1], string.format('%d', ARGV[1] - ${keptNumbers}))
redis.call('EXPIRE', KEYS[1], ${keptSeconds})
return 0`;

const outcomes: readonly BeaconClaim[] = ['ours', 'counted', 'elsewhere'];

export class BeaconClaims {
  readonly #redis: Redis;
  readonly #trackerId: string;

  constructor(redis: Redis, trackerId: string) {
    this.#redis = redis;
    this.#trackerId = trackerId;
  }

  async claim(session: string, sequence: number): Promise<BeaconClaim> {
    try {
      const answer = await this.#redis.eval(
        claimScript,
        1,
        keyOf(session),
        sequence,
        this.#trackerId,
        pendingMs,
      );
      return typeof answer === 'number' ? (outcomes[answer] ?? 'unknown') : 'unknown';
    } catch {
      return 'unknown';
    }
  }

  /** Notes that a beacon is stored. If Redis is away, a repeat elsewhere is found in the database. */
  confirm(session: string, sequence: number): void {
    this.#redis.hset(keyOf(session), String(sequence), 'stored').catch(() => {});
  }
}

function keyOf(session: string): string {
  return `shoal-beacons:{${session}}`;
}
