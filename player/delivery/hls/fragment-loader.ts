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
import type { ArrivingSegment, OnArriving } from '../segment-progress.ts';
import { DeliveryLoadStats, type NetworkEstimate } from './load-stats.ts';

/** What the loader needs of the session: where to load from, and what ABR believes. */
export interface FragmentSource {
  load(
    context: FragmentLoaderContext,
    signal: AbortSignal,
    onArriving?: OnArriving,
  ): Promise<DeliveredSegment>;
  networkEstimate(): NetworkEstimate;
}

/** As much as hls.js's own loader collects for a chunk; smaller ones cost more than they bring. */
const leastChunkBytes = 128 * 1024;

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
  /** What hls.js has been given already. */
  #givenBytes = 0;

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
    const onArriving: OnArriving = (arriving) => {
      if (controller.signal.aborted) return;
      this.stats.arrive(arriving);
      this.#feed(arriving, leastChunkBytes);
    };
    this.#source.load(context, controller.signal, onArriving).then(
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
    if (!this.#callbacks || !context) return;
    this.stats.finish(delivered, this.#source.networkEstimate());
    const { bytes } = delivered;
    const read = (fromBytes: number) => new Uint8Array(bytes.slice(fromBytes));
    this.#feed({ startBytes: bytes.byteLength, read }, 1);
    // A chunk may have made hls.js abort the load.
    const callbacks = this.#finish();
    if (!callbacks) return;
    const data = callbacks.onProgress ? new ArrayBuffer(0) : delivered.bytes;
    callbacks.onSuccess({ url: context.url, data, code: 200 }, this.stats, context, null);
  }

  /**
   * Gives a progressive load what it has not been given of the start, if that is enough. Only such a
   * load takes data on the way, and then it expects none at the end.
   */
  #feed(
    { startBytes, read }: Pick<ArrivingSegment, 'startBytes' | 'read'>,
    leastBytes: number,
  ): void {
    const onProgress = this.#callbacks?.onProgress;
    if (!onProgress || !this.context || startBytes - this.#givenBytes < leastBytes) return;
    const chunk = read(this.#givenBytes);
    this.#givenBytes = startBytes;
    onProgress(this.stats, this.context, chunk.buffer, null);
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
