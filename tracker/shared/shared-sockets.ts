// How many sockets an address or a token holds on all trackers together: leases in Redis that are
// renewed while the socket is there, so that those of a tracker that died run out by themselves.

import { createHash, randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';

/** What is counted: an address or a token, and how many sockets it may hold. */
export interface SocketCount {
  readonly kind: 'address' | 'token';
  readonly name: string;
  readonly limit: number;
}

/** One socket's place in its counts. */
export interface SocketLease {
  release(): void;
}

const leaseMs = 60_000;
export const renewIntervalMs = 20_000;

// All keys in one slot of a cluster. The clock is Redis's: trackers' clocks may differ.
const takeScript = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for index, key in ipairs(KEYS) do
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  if redis.call('ZCARD', key) >= tonumber(ARGV[2 + index]) then return index end
end
for _, key in ipairs(KEYS) do
  redis.call('ZADD', key, now + ARGV[1], ARGV[2])
  redis.call('PEXPIRE', key, ARGV[1])
end
return 0`;

const renewScript = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for index = 2, #ARGV do redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[index]) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 0`;

const saltKey = '{shoal-sockets}:salt';

export class SharedSockets {
  readonly #redis: Redis;
  readonly #trackerId: string;
  /** Members of this tracker by key. */
  readonly #held = new Map<string, Set<string>>();
  #salt: string | null = null;
  #socketCount = 0;

  constructor(redis: Redis, trackerId: string) {
    this.#redis = redis;
    this.#trackerId = trackerId;
  }

  /**
   * A lease, or which of the counts is full; `null` while Redis is away. The counts of this tracker
   * alone are checked before.
   */
  async take(counts: readonly SocketCount[]): Promise<SocketLease | SocketCount | null> {
    try {
      const keys = await Promise.all(counts.map((count) => this.#keyOf(count)));
      this.#socketCount += 1;
      const member = `${this.#trackerId}:${this.#socketCount}`;
      const limits = counts.map(({ limit }) => limit);
      const answer = await this.#redis.eval(
        takeScript,
        keys.length,
        ...keys,
        leaseMs,
        member,
        ...limits,
      );
      const full = typeof answer === 'number' && answer > 0 ? counts[answer - 1] : undefined;
      if (full !== undefined) return full;
      for (const key of keys) this.#held.set(key, (this.#held.get(key) ?? new Set()).add(member));
      return { release: () => this.#release(keys, member) };
    } catch {
      return null;
    }
  }

  /** Renews all leases of this tracker, also those that a Redis without memory has lost. */
  async renew(): Promise<void> {
    const renewals = [...this.#held].map(([key, members]) =>
      this.#redis.eval(renewScript, 1, key, leaseMs, ...members),
    );
    await Promise.allSettled(renewals);
  }

  /** Gives all leases back at once: this tracker stops. */
  async releaseAll(): Promise<void> {
    const held = [...this.#held];
    this.#held.clear();
    await Promise.allSettled(held.map(([key, members]) => this.#redis.zrem(key, ...members)));
  }

  #release(keys: readonly string[], member: string): void {
    for (const key of keys) {
      const members = this.#held.get(key);
      if (members?.delete(member) !== true) continue;
      if (members.size === 0) this.#held.delete(key);
      // If Redis is away the lease runs out.
      this.#redis.zrem(key, member).catch(() => {});
    }
  }

  /** No address is in Redis, only what trackers with its salt make of one. */
  async #keyOf({ kind, name }: SocketCount): Promise<string> {
    this.#salt ??= await this.#readSalt();
    const digest = createHash('sha256')
      .update(`${this.#salt}\n${kind}\n${name}`)
      .digest('base64url');
    return `{shoal-sockets}:${digest.slice(0, 22)}`;
  }

  async #readSalt(): Promise<string> {
    const own = randomBytes(16).toString('base64url');
    return (await this.#redis.set(saltKey, own, 'NX', 'GET')) ?? own;
  }
}
