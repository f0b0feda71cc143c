// Objects that were written or read lately, up to a number of bytes: viewers of a live stream ask
// for the same few segments at once. The disk store reads through it.

export class RecentObjects {
  readonly #maxBytes: number;
  readonly #objects = new Map<string, Uint8Array>();
  #heldBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The object, which thereby becomes the most recent one. */
  get(key: string): Uint8Array | undefined {
    const bytes = this.#objects.get(key);
    if (bytes === undefined) return undefined;
    this.#objects.delete(key);
    this.#objects.set(key, bytes);
    return bytes;
  }

  set(key: string, bytes: Uint8Array): void {
    this.delete(key);
    if (bytes.length > this.#maxBytes) return;
    this.#objects.set(key, bytes);
    this.#heldBytes += bytes.length;
    for (const oldest of this.#objects.keys()) {
      if (this.#heldBytes <= this.#maxBytes) break;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    this.#heldBytes -= this.#objects.get(key)?.length ?? 0;
    this.#objects.delete(key);
  }

  deleteAll(prefix: string): void {
    for (const key of this.#objects.keys()) {
      if (key.startsWith(prefix)) this.delete(key);
    }
  }
}
