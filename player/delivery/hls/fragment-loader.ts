// The fragment loader that hls.js is given: it asks delivery for every segment and init section.
// Above it hls.js with its own retries, below it hybrid-delivery.

import type {
  FragmentLoaderConstructor,
  FragmentLoaderContext,
  HlsConfig,
  Loader,
  LoaderCallbacks,
  LoaderConfiguration,
} from 'hls.js';
import { CdnError } from '../cdn-fetcher.ts';
import type { DeliveredSegment } from '../delivery-events.ts';
import { DeliveryLoadStats, type NetworkEstimate } from './load-stats.ts';

/** What the loader needs of the session: where to load from, and what ABR believes. */
export interface FragmentSource {
  load(context: FragmentLoaderContext, signal: AbortSignal): Promise<DeliveredSegment>;
  networkEstimate(): NetworkEstimate;
}

/** The class to pass to hls.js as `fLoader`; `source` is asked at every load. */
export function makeFragmentLoader(source: FragmentSource): FragmentLoaderConstructor {
  return class extends DeliveryFragmentLoader {
    constructor(_config: HlsConfig) {
      super(source);
    }
  };
}

class DeliveryFragmentLoader implements Loader<FragmentLoaderContext> {
  context: FragmentLoaderContext | null = null;
  readonly stats: DeliveryLoadStats;
  readonly #source: FragmentSource;
  #callbacks: LoaderCallbacks<FragmentLoaderContext> | null = null;
  #controller: AbortController | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(source: FragmentSource) {
    this.#source = source;
    this.stats = new DeliveryLoadStats(() => performance.now());
  }

  load(
    context: FragmentLoaderContext,
    config: LoaderConfiguration,
    callbacks: LoaderCallbacks<FragmentLoaderContext>,
  ): void {
    this.context = context;
    this.#callbacks = callbacks;
    const controller = new AbortController();
    this.#controller = controller;
    this.#timer = setTimeout(() => this.#timeOut(), config.loadPolicy.maxLoadTimeMs);
    this.#source.load(context, controller.signal).then(
      (delivered) => this.#succeed(delivered),
      (error: unknown) => this.#fail(error),
    );
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

  #succeed(delivered: DeliveredSegment): void {
    const { context } = this;
    const callbacks = this.#finish();
    if (!callbacks || !context) return;
    this.stats.finish(delivered, this.#source.networkEstimate());
    const { onProgress } = callbacks;
    // Only a progressive load takes data on the way, and then it expects none at the end.
    onProgress?.(this.stats, context, delivered.bytes, null);
    const data = onProgress ? new ArrayBuffer(0) : delivered.bytes;
    callbacks.onSuccess({ url: context.url, data, code: 200 }, this.stats, context, null);
  }

  #fail(error: unknown): void {
    const { context } = this;
    const callbacks = this.#finish();
    if (!callbacks || !context) return;
    const code = error instanceof CdnError ? error.status : 0;
    const text = error instanceof Error ? error.message : String(error);
    callbacks.onError({ code, text }, context, null, this.stats);
  }

  #timeOut(): void {
    const { context } = this;
    const callbacks = this.#finish();
    if (callbacks && context) callbacks.onTimeout(this.stats, context, null);
  }

  /** Ends the load, whatever its outcome; `null` when it has ended before. */
  #finish(): LoaderCallbacks<FragmentLoaderContext> | null {
    const callbacks = this.#callbacks;
    this.#callbacks = null;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#controller?.abort();
    this.#controller = null;
    return callbacks;
  }
}
