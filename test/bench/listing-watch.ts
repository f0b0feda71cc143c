// Reads one live media playlist with blocking reloads and notes when each segment was listed. The
// ingest benchmarks compare that with the segment's own times.

import { PlaylistChecker } from '../support/playlist-checker.ts';

export interface Listing {
  readonly sequenceNumber: number;
  readonly uri: string;
  readonly map: string;
  readonly startMs: number;
  readonly endMs: number;
  /** When the answer that names it first was here. */
  readonly listedAtMs: number;
}

export class ListingWatch {
  readonly listings: Listing[] = [];
  readonly #url: string;
  readonly #abort = new AbortController();
  readonly #finished: Promise<void>;

  constructor(url: string) {
    this.#url = url;
    this.#finished = this.#run();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#finished;
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      const last = this.listings.at(-1);
      const query = last === undefined ? '' : `?_HLS_msn=${last.sequenceNumber + 1}`;
      try {
        const response = await fetch(`${this.#url}${query}`, { signal });
        const text = await response.text();
        if (response.ok) this.#note(text, Date.now());
        if (!response.ok || text.includes('#EXT-X-ENDLIST')) {
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }
  }

  #note(text: string, listedAtMs: number): void {
    const known = this.listings.at(-1)?.sequenceNumber ?? -1;
    for (const segment of new PlaylistChecker().check(text).segments) {
      if (segment.sequenceNumber <= known) continue;
      const { sequenceNumber, uri, map, programDateTimeMs: startMs, durationSeconds } = segment;
      const endMs = startMs + durationSeconds * 1_000;
      this.listings.push({ sequenceNumber, uri, map, startMs, endMs, listedAtMs });
    }
  }
}
