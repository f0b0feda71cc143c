// The playlist loader that hls.js is given where a page names several CDNs or refreshes its access:
// playlists then fail over as segments do. Elsewhere hls.js keeps its own.

import type {
  Loader,
  LoaderCallbacks,
  LoaderConfiguration,
  LoaderStats,
  PlaylistLoaderConstructor,
  PlaylistLoaderContext,
} from 'hls.js';
import type { FetchUrl } from '../cdn/cdn-fetch.ts';

/** The class to pass to hls.js as `pLoader`. */
export function makePlaylistLoader(fetchUrl: FetchUrl): PlaylistLoaderConstructor {
  return class extends CdnPlaylistLoader {
    constructor() {
      super(fetchUrl);
    }
  };
}

class CdnPlaylistLoader implements Loader<PlaylistLoaderContext> {
  context: PlaylistLoaderContext | null = null;
  readonly stats: LoaderStats = {
    ...{ aborted: false, loaded: 0, retry: 0, total: 0, chunkCount: 0, bwEstimate: 0 },
    loading: { start: 0, first: 0, end: 0 },
    parsing: { start: 0, end: 0 },
    buffering: { start: 0, first: 0, end: 0 },
  };
  readonly #fetchUrl: FetchUrl;
  #callbacks: LoaderCallbacks<PlaylistLoaderContext> | null = null;
  #controller: AbortController | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(fetchUrl: FetchUrl) {
    this.#fetchUrl = fetchUrl;
  }

  load(
    context: PlaylistLoaderContext,
    { loadPolicy }: LoaderConfiguration,
    callbacks: LoaderCallbacks<PlaylistLoaderContext>,
  ): void {
    this.context = context;
    this.#callbacks = callbacks;
    this.stats.loading.start = performance.now();
    void this.#load(context, loadPolicy);
  }

  abort(): void {
    const callbacks = this.#finish();
    if (!callbacks || !this.context) return;
    this.stats.aborted = true;
    callbacks.onAbort?.(this.stats, this.context, null);
  }

  destroy(): void {
    if (this.#finish()) this.stats.aborted = true;
    this.context = null;
  }

  getCacheAge(): number | null {
    return null;
  }

  getResponseHeader(): string | null {
    return null;
  }

  /** Retries are the loader's task in hls.js: what it reports as an error is final. */
  async #load(
    context: PlaylistLoaderContext,
    loadPolicy: LoaderConfiguration['loadPolicy'],
  ): Promise<void> {
    const controller = new AbortController();
    this.#controller = controller;
    this.#timer = setTimeout(() => {
      const callbacks = this.#finish();
      callbacks?.onTimeout(this.stats, context, null);
    }, loadPolicy.maxLoadTimeMs);
    try {
      const response = await this.#fetchUrl(context.url, { signal: controller.signal });
      this.stats.loading.first = performance.now();
      const data = await response.text();
      this.stats.loading.end = performance.now();
      if (!this.#callbacks) return;
      if (!response.ok) this.#fail(context, loadPolicy, response.status, response.statusText);
      else this.#succeed(context, data, response.status);
    } catch (error) {
      if (!this.#callbacks) return;
      this.#fail(context, loadPolicy, 0, error instanceof Error ? error.message : String(error));
    }
  }

  #succeed(context: PlaylistLoaderContext, data: string, code: number): void {
    const callbacks = this.#finish();
    this.stats.loaded = data.length;
    this.stats.total = data.length;
    // The URL of the playlist, not of the CDN that answered: what it names stays the same everywhere.
    callbacks?.onSuccess({ url: context.url, data, code }, this.stats, context, null);
  }

  #fail(
    context: PlaylistLoaderContext,
    loadPolicy: LoaderConfiguration['loadPolicy'],
    code: number,
    text: string,
  ): void {
    const { errorRetry } = loadPolicy;
    const isRetryable = code === 0 || code >= 500 || code === 408 || code === 429;
    if (isRetryable && errorRetry && this.stats.retry < errorRetry.maxNumRetry) {
      const delayMs = errorRetry.retryDelayMs * 2 ** this.stats.retry;
      this.stats.retry += 1;
      if (this.#timer !== null) clearTimeout(this.#timer);
      const waitMs = Math.min(errorRetry.maxRetryDelayMs, delayMs) * (0.75 + Math.random() / 2);
      this.#timer = setTimeout(() => void this.#load(context, loadPolicy), waitMs);
      return;
    }
    const callbacks = this.#finish();
    callbacks?.onError({ code, text }, context, null, this.stats);
  }

  #finish(): LoaderCallbacks<PlaylistLoaderContext> | null {
    const callbacks = this.#callbacks;
    this.#callbacks = null;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#controller?.abort();
    this.#controller = null;
    return callbacks;
  }
}
