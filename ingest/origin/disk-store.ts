// The origin's objects as files under one directory, one file per key. The default store: media
// and recordings survive a restart.

import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { IngestError } from '../errors.ts';
import {
  assertKeyPrefix,
  assertObjectKey,
  type ByteRange,
  type OriginStore,
} from './origin-store.ts';
import { RecentObjects } from './recent-objects.ts';

export interface DiskStoreOptions {
  /** Made when it does not exist. */
  readonly directory: string;
  /** Memory for objects that are asked for again; 64 MiB by default. */
  readonly cacheBytes?: number;
}

const defaultCacheBytes = 64 * 1024 * 1024;
const temporarySuffix = '.tmp';

function isMissing(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    (error.code === 'ENOENT' || error.code === 'ENOTDIR' || error.code === 'EISDIR')
  );
}

function unavailable(error: unknown): IngestError {
  const message = 'The disk of the origin store failed; look at its space and permissions.';
  return new IngestError('store-unavailable', message, { cause: error });
}

/** The result of a read, `null` for what is not there. @throws IngestError `store-unavailable` */
async function ifPresent<Result>(reading: Promise<Result>): Promise<Result | null> {
  try {
    return await reading;
  } catch (error) {
    if (isMissing(error)) return null;
    throw unavailable(error);
  }
}

export class DiskStore implements OriginStore {
  readonly #directory: string;
  readonly #recent: RecentObjects;
  readonly #reads = new Map<string, Promise<Uint8Array | null>>();

  private constructor(options: DiskStoreOptions) {
    this.#directory = path.resolve(options.directory);
    this.#recent = new RecentObjects(options.cacheBytes ?? defaultCacheBytes);
  }

  /** @throws IngestError `store-unavailable` when the directory cannot be made */
  static async start(options: DiskStoreOptions): Promise<DiskStore> {
    const store = new DiskStore(options);
    await mkdir(store.#directory, { recursive: true }).catch((error) => {
      throw unavailable(error);
    });
    return store;
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    const file = this.#fileOf(key);
    // A reader never sees half a file: the name appears with the rename.
    const temporary = `${file}.${randomBytes(6).toString('hex')}${temporarySuffix}`;
    try {
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(temporary, bytes);
      await rename(temporary, file);
    } catch (error) {
      // What cannot be written can often not be removed either; the first error is the one to tell.
      await rm(temporary, { force: true }).catch(() => undefined);
      throw unavailable(error);
    }
    this.#recent.set(key, bytes);
  }

  async get(key: string, range?: ByteRange): Promise<Uint8Array | null> {
    const bytes = this.#recent.get(key) ?? (await this.#read(key));
    if (bytes === null || range === undefined) return bytes;
    return bytes.subarray(range.firstByte, range.lastByte + 1);
  }

  async size(key: string): Promise<number | null> {
    const stats = await ifPresent(stat(this.#fileOf(key)));
    return stats?.isFile() === true ? stats.size : null;
  }

  async list(prefix: string): Promise<readonly string[]> {
    assertKeyPrefix(prefix);
    const directory = path.join(this.#directory, prefix);
    const entries = await ifPresent(readdir(directory, { recursive: true, withFileTypes: true }));
    return (entries ?? [])
      .filter((entry) => entry.isFile() && !entry.name.endsWith(temporarySuffix))
      .map((entry) => path.relative(this.#directory, path.join(entry.parentPath, entry.name)))
      .map((file) => file.split(path.sep).join('/'))
      .toSorted();
  }

  async delete(key: string): Promise<void> {
    const file = this.#fileOf(key);
    this.#recent.delete(key);
    await ifPresent(rm(file, { force: true }));
  }

  async deleteAll(prefix: string): Promise<void> {
    assertKeyPrefix(prefix);
    if (prefix === '') throw new RangeError('name what to delete');
    this.#recent.deleteAll(prefix);
    await ifPresent(rm(path.join(this.#directory, prefix), { recursive: true, force: true }));
  }

  /** Nothing is kept open. */
  async close(): Promise<void> {}

  #fileOf(key: string): string {
    assertObjectKey(key);
    return path.join(this.#directory, ...key.split('/'));
  }

  /** One read of the disk for all who ask at the same time. */
  #read(key: string): Promise<Uint8Array | null> {
    const running = this.#reads.get(key);
    if (running !== undefined) return running;
    const reading = ifPresent(readFile(this.#fileOf(key)))
      .then((bytes) => {
        if (bytes !== null) this.#recent.set(key, bytes);
        return bytes;
      })
      .finally(() => this.#reads.delete(key));
    this.#reads.set(key, reading);
    return reading;
  }
}
