// A remote store behind a local spool: what is put is safe on this machine at once and reaches the
// remote store when that is there. So a broadcast and its viewers do not notice a store that is away.

import type { Logger } from 'pino';
import { IngestError } from '../errors.ts';
import { assertObjectKey, type ByteRange, type OriginStore } from './origin-store.ts';
import { RecentObjects } from './recent-objects.ts';
import { UploadQueue, type UploadStatistics } from './upload-queue.ts';

export interface SpooledStoreOptions {
  /** Keeps what is not uploaded yet, also over a restart. */
  readonly spool: OriginStore;
  readonly remote: OriginStore;
  readonly logger: Logger;
  /** Memory for objects that are asked for again: the live windows; 256 MiB by default. */
  readonly cacheBytes?: number;
  /** What may wait for the remote store; 4 GiB by default, two hours of the default ladder. */
  readonly maxPendingBytes?: number;
  /** Pause after a failed upload, doubled with each further one. */
  readonly firstDelayMs?: number;
}

export interface SpoolStatistics extends UploadStatistics {
  readonly pendingBytes: number;
  /** Objects that were refused because too much was waiting. */
  readonly refusedCount: number;
}

interface Pending {
  readonly sizeBytes: number;
}

const defaultCacheBytes = 256 * 1024 * 1024;
const defaultMaxPendingBytes = 4 * 1024 * 1024 * 1024;
/** How long a service that stops waits for the rest; what is left goes up at the next start. */
const drainTimeoutMs = 10_000;

/** Media first, the list of recordings last: the order in which a broadcast writes them. */
function uploadRank(key: string): number {
  if (/\.(?:m4s|mp4)$/.test(key)) return 0;
  return key.startsWith('recordings/') ? 2 : 1;
}

export class SpooledStore implements OriginStore {
  readonly #spool: OriginStore;
  readonly #remote: OriginStore;
  readonly #queue: UploadQueue;
  readonly #recent: RecentObjects;
  readonly #maxPendingBytes: number;
  readonly #pending = new Map<string, Pending>();
  /** The last change of each spooled object: changes of one object never overlap. */
  readonly #changes = new Map<string, Promise<unknown>>();
  /** The running try of each key. */
  readonly #uploads = new Map<string, Promise<void>>();
  #pendingBytes = 0;
  #refusedCount = 0;

  private constructor(options: SpooledStoreOptions) {
    const { logger, firstDelayMs } = options;
    this.#spool = options.spool;
    this.#remote = options.remote;
    this.#recent = new RecentObjects(options.cacheBytes ?? defaultCacheBytes);
    this.#maxPendingBytes = options.maxPendingBytes ?? defaultMaxPendingBytes;
    this.#queue = new UploadQueue({
      upload: (key) => this.#track(key),
      logger,
      ...(firstDelayMs === undefined ? {} : { firstDelayMs }),
    });
  }

  /** Goes on with what an earlier process has left. @throws IngestError `store-unavailable` */
  static async start(options: SpooledStoreOptions): Promise<SpooledStore> {
    const store = new SpooledStore(options);
    const left = await options.spool.list('');
    for (const key of left.toSorted((a, b) => uploadRank(a) - uploadRank(b))) {
      const sizeBytes = (await options.spool.size(key)) ?? 0;
      store.#setPending(key, { sizeBytes });
      store.#queue.add(key);
    }
    return store;
  }

  get statistics(): SpoolStatistics {
    return {
      ...this.#queue.statistics,
      pendingBytes: this.#pendingBytes,
      refusedCount: this.#refusedCount,
    };
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    assertObjectKey(key);
    if (this.#pendingBytes + bytes.length > this.#maxPendingBytes) {
      this.#refusedCount += 1;
      const message = `The remote store is away and ${this.#pendingBytes} bytes wait for it.`;
      throw new IngestError('store-unavailable', message);
    }
    const held = Uint8Array.from(bytes);
    await this.#change(key, async () => {
      await this.#spool.put(key, held);
      this.#setPending(key, { sizeBytes: held.length });
      this.#recent.set(key, held);
    });
    this.#queue.add(key);
  }

  async get(key: string, range?: ByteRange): Promise<Uint8Array | null> {
    assertObjectKey(key);
    const recent = this.#recent.get(key);
    const bytes = recent ?? (await this.#read(key));
    if (bytes === null || range === undefined) return bytes;
    return bytes.subarray(range.firstByte, range.lastByte + 1);
  }

  async size(key: string): Promise<number | null> {
    assertObjectKey(key);
    return this.#pending.get(key)?.sizeBytes ?? this.#remote.size(key);
  }

  async list(prefix: string): Promise<readonly string[]> {
    const keys = new Set(await this.#remote.list(prefix));
    for (const key of this.#pending.keys()) if (key.startsWith(prefix)) keys.add(key);
    return [...keys].toSorted();
  }

  async delete(key: string): Promise<void> {
    assertObjectKey(key);
    await this.#forget(key);
    await this.#remote.delete(key);
  }

  async deleteAll(prefix: string): Promise<void> {
    const pending = [...this.#pending.keys()].filter((key) => key.startsWith(prefix));
    if (prefix !== '') for (const key of pending) await this.#forget(key);
    await this.#remote.deleteAll(prefix);
    this.#recent.deleteAll(prefix);
  }

  /** Waits, for a bounded time, until everything is uploaded. */
  async close(): Promise<void> {
    await this.#queue.drained(drainTimeoutMs);
    this.#queue.close();
    await Promise.all([this.#spool.close(), this.#remote.close()]);
  }

  async #read(key: string): Promise<Uint8Array | null> {
    // The second look is for what was uploaded, and left the spool, in between.
    const bytes = this.#pending.has(key) ? await this.#spool.get(key) : null;
    const found = bytes ?? (await this.#remote.get(key));
    if (found !== null) this.#recent.set(key, found);
    return found;
  }

  #track(key: string): Promise<void> {
    const upload = this.#upload(key).finally(() => this.#uploads.delete(key));
    this.#uploads.set(key, upload);
    return upload;
  }

  async #upload(key: string): Promise<void> {
    const before = this.#pending.get(key);
    const bytes = before === undefined ? null : await this.#spool.get(key);
    if (bytes === null) return;
    await this.#remote.put(key, bytes);
    await this.#change(key, async () => {
      // What was put meanwhile has a place in the queue of its own.
      if (this.#pending.get(key) !== before) return;
      await this.#spool.delete(key);
      this.#setPending(key, null);
    });
  }

  async #forget(key: string): Promise<void> {
    this.#queue.remove(key);
    // An upload that ended after the deletion would bring the object back.
    await this.#uploads.get(key)?.catch(() => undefined);
    await this.#change(key, async () => {
      this.#recent.delete(key);
      this.#setPending(key, null);
      await this.#spool.delete(key);
    });
  }

  #setPending(key: string, pending: Pending | null): void {
    this.#pendingBytes += (pending?.sizeBytes ?? 0) - (this.#pending.get(key)?.sizeBytes ?? 0);
    if (pending === null) this.#pending.delete(key);
    else this.#pending.set(key, pending);
  }

  /** Runs `work` after every earlier change of the same object. */
  #change(key: string, work: () => Promise<void>): Promise<void> {
    const earlier = this.#changes.get(key) ?? Promise.resolve();
    const change = earlier.then(work, work);
    this.#changes.set(key, change);
    const forget = (): void => {
      if (this.#changes.get(key) === change) this.#changes.delete(key);
    };
    change.then(forget, forget);
    return change;
  }
}
