// The origin's objects in memory, up to a number of bytes: nothing survives a restart. For
// services that only serve live, and for tests.

import { IngestError } from '../errors.ts';
import {
  assertKeyPrefix,
  assertObjectKey,
  type ByteRange,
  type OriginStore,
} from './origin-store.ts';

export interface MemoryStoreOptions {
  /** 1 GiB by default: ten streams of three renditions with a window of a minute need half. */
  readonly maxBytes?: number;
}

const defaultMaxBytes = 1024 * 1024 * 1024;

export class MemoryStore implements OriginStore {
  readonly #maxBytes: number;
  readonly #objects = new Map<string, Uint8Array>();
  #heldBytes = 0;

  constructor(options: MemoryStoreOptions = {}) {
    this.#maxBytes = options.maxBytes ?? defaultMaxBytes;
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    assertObjectKey(key);
    const heldBytes = this.#heldBytes - (this.#objects.get(key)?.length ?? 0) + bytes.length;
    if (heldBytes > this.#maxBytes) {
      const message = `The memory store is full (${this.#maxBytes} bytes); use the disk store.`;
      throw new IngestError('store-unavailable', message);
    }
    // A copy: who stored the bytes may change or reuse them.
    this.#objects.set(key, Uint8Array.from(bytes));
    this.#heldBytes = heldBytes;
  }

  async get(key: string, range?: ByteRange): Promise<Uint8Array | null> {
    assertObjectKey(key);
    const bytes = this.#objects.get(key) ?? null;
    if (bytes === null || range === undefined) return bytes;
    return bytes.subarray(range.firstByte, range.lastByte + 1);
  }

  async size(key: string): Promise<number | null> {
    assertObjectKey(key);
    return this.#objects.get(key)?.length ?? null;
  }

  async list(prefix: string): Promise<readonly string[]> {
    assertKeyPrefix(prefix);
    return [...this.#objects.keys()].filter((key) => key.startsWith(prefix)).toSorted();
  }

  async delete(key: string): Promise<void> {
    assertObjectKey(key);
    this.#heldBytes -= this.#objects.get(key)?.length ?? 0;
    this.#objects.delete(key);
  }

  async deleteAll(prefix: string): Promise<void> {
    assertKeyPrefix(prefix);
    if (prefix === '') throw new RangeError('name what to delete');
    for (const key of await this.list(prefix)) await this.delete(key);
  }

  /** Nothing is kept open. */
  async close(): Promise<void> {}
}
