// How many requests one client may make: a token bucket per address, in bounded memory. Pure but
// for its own state; the WHIP routes ask it before they read a body (RFC 9725 §5).

import { isIPv6 } from 'node:net';

export interface RequestBudgetOptions {
  /** Requests at once after a pause. */
  readonly burst: number;
  /** Requests per second in the long run. */
  readonly perSecond: number;
}

interface Bucket {
  tokens: number;
  updatedAtMs: number;
}

/** With a million addresses an attacker would otherwise fill the memory. */
const maxBuckets = 10_000;

export class RequestBudget {
  readonly #options: RequestBudgetOptions;
  /** In order of last use: the first is the one to forget. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(options: RequestBudgetOptions) {
    this.#options = options;
  }

  /**
   * Takes one request from the client's budget.
   * @param nowMs a clock that never runs backwards
   * @returns 0 when it may go on, else the seconds to wait, at least 1
   */
  take(client: string, nowMs: number): number {
    const { burst, perSecond } = this.#options;
    const bucket = this.#buckets.get(client) ?? { tokens: burst, updatedAtMs: nowMs };
    const refilled = bucket.tokens + ((nowMs - bucket.updatedAtMs) / 1000) * perSecond;
    bucket.tokens = Math.min(burst, refilled);
    bucket.updatedAtMs = nowMs;
    this.#remember(client, bucket);
    if (bucket.tokens < 1) return Math.max(1, Math.ceil((1 - bucket.tokens) / perSecond));
    bucket.tokens -= 1;
    return 0;
  }

  #remember(client: string, bucket: Bucket): void {
    this.#buckets.delete(client);
    this.#buckets.set(client, bucket);
    if (this.#buckets.size <= maxBuckets) return;
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined) this.#buckets.delete(oldest);
  }
}

/**
 * What counts as one client: an IPv4 address, or the /64 of an IPv6 one, all of which a single
 * host usually owns.
 */
export function clientOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [plain = ''] = address.split('%');
  if (!isIPv6(plain)) return address;
  const [head = '', tail = ''] = plain.split('::');
  const groups = head === '' ? [] : head.split(':');
  const tailGroups = tail === '' ? [] : tail.split(':');
  const zeros = plain.includes('::') ? Math.max(0, 8 - groups.length - tailGroups.length) : 0;
  const all = [...groups, ...Array.from({ length: zeros }, () => '0'), ...tailGroups];
  const prefix = all.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${prefix.join(':')}::/64`;
}
