// Which node has which stream: a lease per stream in Redis or Valkey, renewed while the stream is
// active, and taken over when its node has died. The cluster's routes ask it.

import { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { IngestError } from '../errors.ts';
import type { StreamId } from '../protocol/index.ts';
import {
  formatNode,
  formatNodeState,
  formatSegmentPlace,
  type IngestNode,
  type NodeState,
  parseNode,
  parseNodeState,
  parseSegmentPlace,
  type SegmentPlace,
  type StreamPlace,
} from './ingest-node.ts';

export interface LeaseRegistryOptions {
  /** `redis://` or `rediss://`. */
  readonly url: string;
  readonly node: IngestNode;
  readonly maxSessions: number;
  readonly sessionCount: () => number;
  /** Whether the stream still needs its lease: it has a publisher, or waits for one. */
  readonly isActive: (stream: StreamId) => boolean;
  /** Another node has the stream now: what is left of it here has to end. */
  readonly onLost: (stream: StreamId) => void;
  readonly logger: Logger;
}

/** How the claim of a stream ended. */
export type ClaimOutcome =
  | { readonly isOurs: true; readonly isNew: boolean }
  | { readonly isOurs: false; readonly node: IngestNode };

/** A node that has died is noticed after this, at the latest. */
const leaseMs = 6_000;
const renewIntervalMs = 2_000;
/**
 * A registry that has lost its memory learns all leases again within this: nodes reconnect up to 2 s
 * apart and say at once what they hold, or with the next renewals when the first one fails.
 */
const relearnMs = 10_000;
/** How long viewers of a stream whose node died are told to wait. */
const recentMs = 60_000;
/** Between the claim and the broadcast that it is for: offers are answered within it. */
const claimGraceMs = 15_000;
const commandTimeoutMs = 1_000;
const probeTimeoutMs = 1_000;
/** What is known about the place of a stream, for the many requests of its viewers. */
const placeFreshMs = 1_000;
const maxRememberedPlaces = 10_000;

/** Takes the lease unless somebody else has it; `ARGV[4]` is an owner that may be displaced. */
const claimScript = `
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] and held ~= ARGV[4] then return held end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('SET', KEYS[2], '1', 'PX', ARGV[3])
return false`;

const releaseScript = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1], KEYS[2])`;

const nodesKey = 'shoal:nodes';

/** All of a stream are in one slot of a Redis cluster. */
function keysOf(stream: StreamId): [lease: string, recent: string] {
  return [`shoal:{${stream}}:lease`, `shoal:{${stream}}:recent`];
}

function lastSegmentKey(stream: StreamId): string {
  return `shoal:{${stream}}:last-segment`;
}

function nodeKey(url: string): string {
  return `shoal:node:${url}`;
}

interface RememberedPlace {
  readonly place: StreamPlace;
  readonly atMs: number;
}

export class LeaseRegistry {
  readonly #options: LeaseRegistryOptions;
  readonly #redis: Redis;
  readonly #self: string;
  /** Streams of this node, with the time of their claim. */
  readonly #held = new Map<StreamId, number>();
  readonly #places = new Map<StreamId, RememberedPlace>();
  readonly #timer: NodeJS.Timeout;
  #isAway = false;
  #isClosed = false;
  /** When a registry that was away came back, perhaps without its memory. */
  #backSinceMs = Number.NEGATIVE_INFINITY;
  #renewing: Promise<void> = Promise.resolve();

  private constructor(options: LeaseRegistryOptions, redis: Redis) {
    this.#options = options;
    this.#redis = redis;
    this.#self = formatNode(options.node);
    this.#timer = setInterval(() => this.#renewInTurn(), renewIntervalMs);
  }

  /** Resolves at once; a registry that is away refuses new streams until it is there. */
  static async start(options: LeaseRegistryOptions): Promise<LeaseRegistry> {
    const redis = new Redis(options.url, {
      lazyConnect: true,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      commandTimeout: commandTimeoutMs,
      connectTimeout: commandTimeoutMs,
      retryStrategy: (attempt) => Math.min(200 * attempt, 2_000),
    });
    const registry = new LeaseRegistry(options, redis);
    redis.on('error', (error: Error) => registry.#reportAway(error));
    // A registry that is back before the first attempt to connect again makes no error.
    redis.on('close', () => registry.#reportAway(new Error('the connection was closed')));
    redis.on('ready', () => registry.#reportBack());
    await redis.connect().catch((error: unknown) => registry.#reportAway(error));
    await registry.#announce().catch((error: unknown) => registry.#reportAway(error));
    return registry;
  }

  /** Streams that this node holds. */
  get heldCount(): number {
    return this.#held.size;
  }

  get isAway(): boolean {
    return this.#isAway;
  }

  /** Whether it answers and has had the time to learn of all streams. */
  get isSettled(): boolean {
    return !this.#isAway && performance.now() - this.#backSinceMs >= relearnMs;
  }

  /**
   * Takes the stream for this node, also from a node that does not answer any more.
   * @throws IngestError `registry-unavailable` when nobody can say who has it
   */
  async claim(stream: StreamId): Promise<ClaimOutcome> {
    const wasHeld = this.#held.has(stream);
    if (!wasHeld && performance.now() - this.#backSinceMs < relearnMs) {
      const message = 'The registry of streams has just come back; try again in a moment.';
      throw new IngestError('registry-unavailable', message);
    }
    try {
      let holder = await this.#take(stream, '');
      if (holder !== null && !(await isReachable(holder))) {
        const { logger } = this.#options;
        logger.warn({ streamId: stream, from: holder.url }, 'stream taken over from a dead node');
        holder = await this.#take(stream, formatNode(holder));
      }
      if (holder !== null) return { isOurs: false, node: holder };
    } catch (error) {
      // Whoever held it before the registry went away goes on.
      if (wasHeld) return { isOurs: true, isNew: false };
      const message = 'The registry of streams does not answer; try again in a moment.';
      throw new IngestError('registry-unavailable', message, { cause: error });
    }
    this.#held.set(stream, performance.now());
    this.#places.delete(stream);
    return { isOurs: true, isNew: !wasHeld };
  }

  /** Where the stream is, as far as is known; the last known place while the registry is away. */
  async placeOf(stream: StreamId): Promise<StreamPlace> {
    if (this.#held.has(stream)) return { kind: 'here' };
    const known = this.#places.get(stream);
    if (known !== undefined && performance.now() - known.atMs < placeFreshMs) return known.place;
    let place: StreamPlace;
    try {
      place = await this.#lookUp(stream);
    } catch {
      return known?.place ?? { kind: 'nowhere' };
    }
    this.#places.set(stream, { place, atMs: performance.now() });
    for (const [oldest] of this.#places) {
      if (this.#places.size <= maxRememberedPlaces) break;
      this.#places.delete(oldest);
    }
    return place;
  }

  /**
   * Says, before viewers see it, which segment will be the last one: whoever takes the stream over
   * goes on after it. A registry that is away holds nobody up, and nobody knows then.
   */
  async noteSegment(stream: StreamId, segment: SegmentPlace): Promise<void> {
    if (this.#isAway || this.#isClosed) return;
    try {
      const text = formatSegmentPlace(segment);
      await this.#redis.set(lastSegmentKey(stream), text, 'PX', recentMs);
    } catch (error) {
      this.#reportAway(error);
    }
  }

  /** The last one that any node has said, or `null`. */
  async lastSegment(stream: StreamId): Promise<SegmentPlace | null> {
    try {
      return parseSegmentPlace(await this.#redis.get(lastSegmentKey(stream)));
    } catch {
      return null;
    }
  }

  /** The nodes that are alive, without this one; none while the registry is away. */
  async otherNodes(): Promise<readonly NodeState[]> {
    try {
      const urls = await this.#redis.smembers(nodesKey);
      const others = urls.filter((url) => url !== this.#options.node.url);
      if (others.length === 0) return [];
      const texts = await Promise.all(others.map((url) => this.#redis.get(nodeKey(url))));
      const gone = others.filter((_, index) => texts[index] === null);
      if (gone.length > 0) await this.#redis.srem(nodesKey, ...gone);
      return texts.map(parseNodeState).filter((state) => state !== null);
    } catch {
      return [];
    }
  }

  /** Gives all streams back. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    await this.#renewing;
    const held = [...this.#held.keys()];
    this.#held.clear();
    try {
      for (const stream of held) await this.#release(stream);
      await this.#redis.del(nodeKey(this.#options.node.url));
    } catch {
      // Leases end by themselves.
    }
    this.#redis.disconnect();
  }

  async #take(stream: StreamId, displaced: string): Promise<IngestNode | null> {
    const [lease, recent] = keysOf(stream);
    const times = [String(leaseMs), String(recentMs)];
    const held = await this.#redis.eval(
      claimScript,
      2,
      lease,
      recent,
      this.#self,
      ...times,
      displaced,
    );
    return typeof held === 'string' ? parseNode(held) : null;
  }

  async #lookUp(stream: StreamId): Promise<StreamPlace> {
    const [lease, recent] = await this.#redis.mget(...keysOf(stream));
    const node = parseNode(lease ?? null);
    // Of this node before its restart: it may go on.
    if (node?.url === this.#options.node.url) return { kind: 'here' };
    if (node !== null) return { kind: 'elsewhere', node };
    return { kind: typeof recent === 'string' ? 'interrupted' : 'nowhere' };
  }

  async #release(stream: StreamId): Promise<void> {
    await this.#redis.eval(releaseScript, 2, ...keysOf(stream), this.#self);
  }

  async #announce(): Promise<void> {
    const { node, maxSessions, sessionCount } = this.#options;
    const state = formatNodeState({ ...node, maxSessions, sessionCount: sessionCount() });
    await this.#redis.sadd(nodesKey, node.url);
    await this.#redis.set(nodeKey(node.url), state, 'PX', leaseMs);
  }

  async #renew(): Promise<void> {
    try {
      await this.#announce();
      for (const [stream, claimedAtMs] of [...this.#held]) {
        const isNew = performance.now() - claimedAtMs < claimGraceMs;
        if (isNew || this.#options.isActive(stream)) await this.#renewOne(stream);
        else {
          this.#held.delete(stream);
          await this.#release(stream);
        }
      }
    } catch (error) {
      this.#reportAway(error);
    }
  }

  async #renewOne(stream: StreamId): Promise<void> {
    const holder = await this.#take(stream, '');
    if (holder === null) return;
    this.#held.delete(stream);
    const { logger, onLost } = this.#options;
    logger.error({ streamId: stream, to: holder.url }, 'stream lost to another node');
    onLost(stream);
  }

  #reportAway(error: unknown): void {
    if (this.#isAway || this.#isClosed) return;
    this.#isAway = true;
    this.#options.logger.warn({ err: error }, 'the registry of streams does not answer');
  }

  #reportBack(): void {
    if (!this.#isAway) return;
    this.#isAway = false;
    this.#backSinceMs = performance.now();
    this.#options.logger.info('the registry of streams is back');
    this.#renewInTurn();
  }

  #renewInTurn(): void {
    this.#renewing = this.#renewing.then(() => this.#renew());
  }
}

/** A node that is slow is not dead: only what refuses or says nothing for long is. */
async function isReachable({ url }: IngestNode): Promise<boolean> {
  try {
    const response = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(probeTimeoutMs) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
