// Fetches media from the CDN with a bounded wait, and remembers how long that takes, so that
// delivery knows how late it may begin. Used for segments, init sections and fallbacks.

import type { FetchUrl } from './cdn/cdn-fetch.ts';
import { ResumableBody } from './cdn/resumable-body.ts';

export interface CdnResponse {
  readonly bytes: ArrayBuffer;
  readonly startedAtMs: number;
  readonly firstByteAtMs: number;
  readonly finishedAtMs: number;
}

/** The CDN did not deliver; `status` is 0 when there was no HTTP answer at all. */
export class CdnError extends Error {
  readonly status: number;
  /** Media bytes that had arrived by then and are lost. */
  readonly receivedBytes: number;

  constructor(status: number, message: string, receivedBytes: number, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CdnError';
    this.status = status;
    this.receivedBytes = receivedBytes;
  }
}

export interface CdnFetcherOptions {
  readonly fetch: FetchUrl;
  readonly nowMs: () => number;
}

/** A fetch that takes longer than this is given up; hls.js's own limit for a fragment is 20 s. */
const fetchTimeoutMs = 15_000;
/** How many of the last fetches the estimate looks at. */
const rememberedFetches = 20;
/** Assumed before the first fetch. */
const initialFetchMs = 400;

export class CdnFetcher {
  readonly #options: CdnFetcherOptions;
  readonly #durationsMs: number[] = [];

  constructor(options: CdnFetcherOptions) {
    this.#options = options;
  }

  /** What a segment takes, pessimistically: the second slowest of the last fetches. */
  get typicalFetchMs(): number {
    const sorted = [...this.#durationsMs].sort((a, b) => b - a);
    return sorted[Math.min(1, sorted.length - 1)] ?? initialFetchMs;
  }

  /**
   * The resource's bytes.
   * @throws CdnError on a status other than 2xx, a broken connection, a timeout, or when `signal`
   * aborts; it tells how many bytes were lost
   */
  async fetch(url: string, signal: AbortSignal, init: RequestInit = {}): Promise<CdnResponse> {
    const startedAtMs = this.#options.nowMs();
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    const timer = setTimeout(abort, fetchTimeoutMs);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    const body = new ResumableBody();
    try {
      let firstByteAtMs: number | null = null;
      for (;;) {
        const response = await this.#options.fetch(url, {
          ...body.requestInit(init),
          signal: controller.signal,
        });
        firstByteAtMs ??= this.#options.nowMs();
        if (!response.ok)
          throw new CdnError(response.status, `${url} answered ${response.status}`, body.sizeBytes);
        if (await body.read(response, init, controller.signal)) break;
      }
      const finishedAtMs = this.#options.nowMs();
      const bytes = body.take();
      this.#remember(bytes.byteLength, finishedAtMs - startedAtMs);
      return { bytes, startedAtMs, firstByteAtMs, finishedAtMs };
    } catch (error) {
      if (error instanceof CdnError) throw error;
      throw new CdnError(0, `${url} could not be fetched`, body.sizeBytes, { cause: error });
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    }
  }

  #remember(sizeBytes: number, durationMs: number): void {
    // Init sections and other small bodies say nothing about a segment.
    if (sizeBytes < 16 * 1024) return;
    this.#durationsMs.push(durationMs);
    if (this.#durationsMs.length > rememberedFetches) this.#durationsMs.shift();
  }
}
