// Where the origin keeps its objects: segments, init sections, playlists and descriptions of
// recordings. Disk, memory and S3 implement it; one contract suite says what all of them do.

/** Inclusive, as in HTTP (RFC 9110 §14.1.2). */
export interface ByteRange {
  readonly firstByte: number;
  readonly lastByte: number;
}

export interface OriginStore {
  /**
   * Stores an object whole or not at all; a reader sees the old or the new one, never a part.
   * @throws IngestError `store-unavailable` when there is no room or the medium fails
   */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** The object or the part of it that lies in `range`; `null` when there is no such object. */
  get(key: string, range?: ByteRange): Promise<Uint8Array | null>;
  /** Size in bytes, or `null` when there is no such object. */
  size(key: string): Promise<number | null>;
  /** Keys that start with `prefix`, sorted. The prefix ends with a slash or is empty. */
  list(prefix: string): Promise<readonly string[]>;
  /** Removes an object; one that is not there is no error. */
  delete(key: string): Promise<void>;
  /** Removes every object whose key starts with `prefix`, which ends with a slash. */
  deleteAll(prefix: string): Promise<void>;
  /** Finishes what is under way; nothing is called afterwards. */
  close(): Promise<void>;
}

const keyPattern = /^[a-z0-9][a-z0-9._-]*(?:\/[a-z0-9][a-z0-9._-]*)*$/;
const maxKeyChars = 255;

/**
 * Guards every store against keys that could leave it: no name begins with a dot, so neither `..`
 * nor an absolute path is a key.
 * @throws RangeError for what is not a key
 */
export function assertObjectKey(key: string): void {
  if (key.length > maxKeyChars || !keyPattern.test(key) || key.endsWith('.tmp')) {
    throw new RangeError(`not an object key: ${key.slice(0, maxKeyChars)}`);
  }
}

/** @throws RangeError for what is not the beginning of keys */
export function assertKeyPrefix(prefix: string): void {
  if (prefix === '') return;
  if (!prefix.endsWith('/')) throw new RangeError(`a key prefix ends with a slash: ${prefix}`);
  assertObjectKey(prefix.slice(0, -1));
}
