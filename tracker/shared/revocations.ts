// Viewer tokens that are not good any more although they have not expired: known to every tracker
// within two seconds, by way of Redis where there is one. Signalling and the beacon route ask.

import type { Redis } from 'ioredis';

const revokedKey = 'shoal-revoked-tokens';
export const revocationPollMs = 2_000;
/** Tokens revoked at once; the one that would expire first is forgotten for one more. */
const maxRevoked = 50_000;

export class Revocations {
  readonly #redis: Redis | null;
  readonly #onRevoked: (tokenId: string) => void;
  /** Until when each would have been good. */
  readonly #untilMs = new Map<string, number>();

  /** @param onRevoked told once of each token that is news here */
  constructor(redis: Redis | null, onRevoked: (tokenId: string) => void) {
    this.#redis = redis;
    this.#onRevoked = onRevoked;
  }

  has(tokenId: string, nowMs: number): boolean {
    return (this.#untilMs.get(tokenId) ?? 0) > nowMs;
  }

  /** Rejects when Redis is configured and does not answer: the other trackers do not know then. */
  async revoke(tokenId: string, untilMs: number): Promise<void> {
    this.#note(tokenId, untilMs);
    await this.#redis?.zadd(revokedKey, String(untilMs), tokenId);
  }

  /** Learns what was revoked at other trackers. */
  async poll(nowMs: number): Promise<void> {
    for (const [tokenId, untilMs] of this.#untilMs) {
      if (untilMs <= nowMs) this.#untilMs.delete(tokenId);
    }
    if (this.#redis === null) return;
    try {
      await this.#redis.zremrangebyscore(revokedKey, '-inf', String(nowMs));
      await this.#redis.zremrangebyrank(revokedKey, 0, -maxRevoked - 1);
      const rows = await this.#redis.zrange(revokedKey, '0', '-1', 'WITHSCORES');
      for (let index = 0; index + 1 < rows.length; index += 2) {
        this.#note(String(rows[index] ?? ''), Number(rows[index + 1]));
      }
    } catch {
      // What is known here stays known; the connection reports that Redis is away.
    }
  }

  #note(tokenId: string, untilMs: number): void {
    if (this.#untilMs.has(tokenId) || !Number.isFinite(untilMs)) return;
    if (this.#untilMs.size >= maxRevoked) return;
    this.#untilMs.set(tokenId, untilMs);
    this.#onRevoked(tokenId);
  }
}
