// The origin's objects together with their SHA-256, which is their ETag and what playlists tell
// players. The broadcast puts segments in, the origin server takes them out.

import { createHash } from 'node:crypto';
import type { Sha256Hex } from '../protocol/index.ts';
import type { OriginStore } from './origin-store.ts';

export interface MediaObject {
  readonly bytes: Uint8Array;
  readonly digest: Sha256Hex;
}

/** About three renditions over a day at 2 s each; beyond that the digest is made again. */
const maxRememberedDigests = 150_000;

export function sha256Of(bytes: Uint8Array | string): Sha256Hex {
  return createHash('sha256').update(bytes).digest('hex');
}

export class MediaObjects {
  readonly store: OriginStore;
  readonly #digests = new Map<string, Sha256Hex>();

  constructor(store: OriginStore) {
    this.store = store;
  }

  /**
   * Stores an object and gives its digest.
   * @throws IngestError `store-unavailable`
   */
  async put(key: string, bytes: Uint8Array): Promise<Sha256Hex> {
    const digest = sha256Of(bytes);
    await this.store.put(key, bytes);
    this.#remember(key, digest);
    return digest;
  }

  /** @throws IngestError `store-unavailable` */
  async get(key: string): Promise<MediaObject | null> {
    const bytes = await this.store.get(key);
    if (bytes === null) return null;
    const known = this.#digests.get(key);
    if (known !== undefined) return { bytes, digest: known };
    const digest = sha256Of(bytes);
    this.#remember(key, digest);
    return { bytes, digest };
  }

  async delete(key: string): Promise<void> {
    this.#digests.delete(key);
    await this.store.delete(key);
  }

  async deleteAll(prefix: string): Promise<void> {
    for (const key of this.#digests.keys()) {
      if (key.startsWith(prefix)) this.#digests.delete(key);
    }
    await this.store.deleteAll(prefix);
  }

  #remember(key: string, digest: Sha256Hex): void {
    this.#digests.set(key, digest);
    if (this.#digests.size <= maxRememberedDigests) return;
    for (const oldest of this.#digests.keys()) {
      this.#digests.delete(oldest);
      break;
    }
  }
}
