// Verified segments that this viewer holds: for its own media buffer and for other viewers.
// Filled by peers and CDN after verification, read by the loaders and by the exchange.

import type { MediaSegment } from './media-segment.ts';

interface StoredSegment {
  readonly segment: MediaSegment;
  readonly bytes: ArrayBuffer;
}

/** Bounded by bytes; the oldest segments by media sequence number leave first. */
export class SegmentStore {
  readonly #limitBytes: number;
  readonly #serve: ((bytes: Uint8Array) => Uint8Array) | undefined;
  readonly #stored = new Map<string, StoredSegment>();
  /** `false` keeps everything to this viewer. */
  canServe = true;
  #sizeBytes = 0;

  /** @param serve what other viewers are given instead of the real bytes, for tests */
  constructor(limitBytes: number, serve?: (bytes: Uint8Array) => Uint8Array) {
    this.#limitBytes = limitBytes;
    this.#serve = serve;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get limitBytes(): number {
    return this.#limitBytes;
  }

  has(url: string): boolean {
    return this.#stored.has(url);
  }

  /** The bytes themselves, shared: whoever transfers them elsewhere must copy them first. */
  get(url: string): ArrayBuffer | undefined {
    return this.#stored.get(url)?.bytes;
  }

  /** What another viewer is given. */
  serve(url: string): ArrayBuffer | undefined {
    const bytes = this.canServe ? this.get(url) : undefined;
    if (bytes === undefined || !this.#serve) return bytes;
    return this.#serve(new Uint8Array(bytes)).slice().buffer;
  }

  /** Keeps a verified segment; one larger than the whole store is not kept. */
  add(segment: MediaSegment, bytes: ArrayBuffer): void {
    if (bytes.byteLength > this.#limitBytes || this.#stored.has(segment.url)) return;
    this.#stored.set(segment.url, { segment, bytes });
    this.#sizeBytes += bytes.byteLength;
    while (this.#sizeBytes > this.#limitBytes) this.#evictOldest(segment.url);
  }

  /** Drops everything that is not in `urls`: what left the playlist is of no use to anybody. */
  retain(urls: ReadonlySet<string>): void {
    for (const url of [...this.#stored.keys()]) if (!urls.has(url)) this.#remove(url);
  }

  clear(): void {
    this.#stored.clear();
    this.#sizeBytes = 0;
  }

  #evictOldest(exceptUrl: string): void {
    let oldest: StoredSegment | undefined;
    for (const candidate of this.#stored.values()) {
      if (candidate.segment.url === exceptUrl) continue;
      if (!oldest || candidate.segment.mediaSequenceNumber < oldest.segment.mediaSequenceNumber) {
        oldest = candidate;
      }
    }
    if (oldest) this.#remove(oldest.segment.url);
  }

  #remove(url: string): void {
    const stored = this.#stored.get(url);
    if (!stored) return;
    this.#stored.delete(url);
    this.#sizeBytes -= stored.bytes.byteLength;
  }
}
