// A viewer without a screen: the player's own delivery and counting, with a play head that moves
// by the clock where a browser would decode. For the demo, the tests and the benchmarks.

import {
  type ExchangeKind,
  endSeconds,
  type FetchReason,
  HybridDelivery,
  type HybridDeliveryOptions,
  loadTrackerClientClass,
  type MediaSegment,
  makeViewerId,
  randomCharacters,
  trackerHttpUrl,
  trackerSocketUrl,
} from '@shoal/player/delivery';
import {
  BeaconReporter,
  DeliveryMeter,
  PlaybackMeter,
  streamNameOf,
} from '@shoal/player/telemetry';
import { loadCoreClass } from './node-webrtc.ts';
import {
  type ReadMediaPlaylist,
  readMediaPlaylist,
  readMultivariantPlaylist,
} from './playlist-reader.ts';
import { SyntheticPlayhead } from './synthetic-playhead.ts';
import { limitUplink } from './uplink-limit.ts';

/** What a viewer needs of its delivery. */
export type ViewerDelivery = Pick<
  HybridDelivery,
  | 'allowPeers'
  | 'activate'
  | 'updatePlaylist'
  | 'updatePlayhead'
  | 'load'
  | 'loadFromCdn'
  | 'rendition'
  | 'close'
>;

export interface HeadlessViewerOptions {
  /** Absolute URL of the multivariant playlist. */
  readonly playlistUrl: string;
  /** The tracker, or `null` to watch from the CDN alone. */
  readonly trackerUrl: string | null;
  /** Rendition to watch, by the name of its folder; the highest by default. */
  readonly rendition?: string | undefined;
  readonly telemetry?: boolean | undefined;
  readonly exchange?: ExchangeKind | undefined;
  /** Uplink in bit/s, as a token bucket on what the data channels send; unlimited by default. */
  readonly uplinkBps?: number | undefined;
  /** What other viewers are given instead of the real bytes; tests make this viewer lie with it. */
  readonly serve?: ((bytes: Uint8Array) => Uint8Array) | undefined;
  /** Bytes fetched from the CDN, by reason. */
  readonly onFetch?: ((reason: FetchReason, sizeBytes: number) => void) | undefined;
  /** Replaces Shoal's delivery, so that benchmarks can compare it with another. */
  readonly makeDelivery?: ((options: HybridDeliveryOptions) => ViewerDelivery) | undefined;
  /** Sees every segment that would reach the media buffer. */
  readonly onSegment?:
    | ((segment: MediaSegment, bytes: ArrayBuffer, source: 'cdn' | 'peer') => void)
    | undefined;
}

export interface HeadlessViewerStats {
  readonly cdnBytes: number;
  readonly peerBytes: number;
  readonly uploadedBytes: number;
  readonly discardedBytes: number;
  readonly offloadRatio: number | null;
  readonly peerCount: number;
  readonly stallCount: number;
  readonly stallSeconds: number;
  readonly startupSeconds: number | null;
  readonly playedSeconds: number;
  readonly liveLatencySeconds: number | null;
}

const storeLimitBytes = 64 * 1024 * 1024;
/** As in hls.js: play this many target durations behind the edge. */
const liveSyncDurations = 3;
const maxBufferSeconds = 30;
const playheadIntervalMs = 250;
const retryMs = 1_000;

export class HeadlessViewer {
  readonly #options: HeadlessViewerOptions;
  readonly #viewerId = makeViewerId();
  readonly #meter = new DeliveryMeter();
  readonly #playbackMeter = new PlaybackMeter(performance.now());
  readonly #playhead = new SyntheticPlayhead((event) =>
    this.#playbackMeter.handle(event, performance.now()),
  );
  readonly #delivery: ViewerDelivery;
  readonly #reporter: BeaconReporter | null;
  readonly #abort = new AbortController();
  readonly #positions = new Map<number, number>();
  readonly #loadedInits = new Set<string>();
  #playlist: ReadMediaPlaylist | null = null;
  #playlistChanged: (() => void) | null = null;
  #playheadTimer: ReturnType<typeof setInterval> | null = null;

  private constructor(options: HeadlessViewerOptions) {
    this.#options = options;
    const make = options.makeDelivery ?? ((each) => new HybridDelivery(each));
    this.#delivery = make({
      playlistUrl: options.playlistUrl,
      trackerUrl:
        options.trackerUrl === null ? null : trackerSocketUrl(options.trackerUrl, undefined),
      exchange: options.exchange ?? 'shoal',
      loadCoreClass,
      loadTrackerClientClass: async () =>
        limitUplink(await loadTrackerClientClass(), options.uplinkBps),
      iceServers: [],
      viewerId: this.#viewerId,
      storeLimitBytes,
      fetch: (input, init) => globalThis.fetch(input, init),
      nowMs: () => performance.now(),
      events: this.#meter,
      serve: options.serve,
      onFetch: options.onFetch,
    });
    this.#delivery.allowPeers(true);
    this.#reporter = this.#openReporter();
  }

  /** Begins to watch; keeps trying while the stream is not there yet. */
  static start(options: HeadlessViewerOptions): HeadlessViewer {
    const viewer = new HeadlessViewer(options);
    void viewer.#watch();
    return viewer;
  }

  get stats(): HeadlessViewerStats {
    return {
      ...this.#meter.totals,
      ...this.#playbackMeter.totals(performance.now()),
      offloadRatio: this.#meter.offloadRatio,
      peerCount: this.#meter.peerCount,
      liveLatencySeconds: this.#liveLatencySeconds(),
    };
  }

  /** Leaves; resolves when the last beacon is answered or given up. Idempotent. */
  async close(): Promise<void> {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort();
    if (this.#playheadTimer !== null) clearInterval(this.#playheadTimer);
    this.#delivery.close();
    await this.#reporter?.end(false);
  }

  /** Waits for the stream, then polls its playlist and plays it until closed. */
  async #watch(): Promise<void> {
    const variantUrl = await this.#findVariant();
    if (variantUrl === null) return;
    void this.#followPlaylist(variantUrl);
    this.#playheadTimer = setInterval(() => this.#tick(), playheadIntervalMs);
    await this.#play();
  }

  async #findVariant(): Promise<string | null> {
    while (!this.#abort.signal.aborted) {
      const text = await this.#fetchText(this.#options.playlistUrl);
      const variants =
        text === null ? [] : readMultivariantPlaylist(text, this.#options.playlistUrl);
      const { rendition } = this.#options;
      const variant =
        rendition === undefined
          ? variants[0]
          : variants.find(({ url }) => url.includes(`/${rendition}/`));
      if (variant) return variant.url;
      await this.#wait(retryMs);
    }
    return null;
  }

  async #followPlaylist(url: string): Promise<void> {
    while (!this.#abort.signal.aborted) {
      const known = this.#playlist;
      const requested = known?.canBlockReload
        ? `${url}?_HLS_msn=${known.lastSequenceNumber + 1}`
        : url;
      const text = await this.#fetchText(requested);
      if (text === null) {
        await this.#wait(retryMs);
        continue;
      }
      const playlist = readMediaPlaylist(text, url, this.#positions);
      const isNew = playlist.lastSequenceNumber !== known?.lastSequenceNumber;
      this.#playlist = playlist;
      this.#delivery.activate(playlist);
      this.#delivery.updatePlaylist(playlist);
      this.#playlistChanged?.();
      if (!playlist.isLive) return;
      if (!isNew || !playlist.canBlockReload)
        await this.#wait(playlist.targetDurationSeconds * 500);
    }
  }

  async #play(): Promise<void> {
    let next: number | null = null;
    while (!this.#abort.signal.aborted) {
      const segment = this.#nextSegment(next);
      if (segment === null) {
        if (this.#playlist !== null && !this.#playlist.isLive) return;
        await this.#waitForPlaylist();
        continue;
      }
      if (segment.startSeconds - this.#playhead.positionSeconds > maxBufferSeconds) {
        await this.#wait(playheadIntervalMs);
        continue;
      }
      next = (await this.#loadSegment(segment))
        ? segment.mediaSequenceNumber + 1
        : segment.mediaSequenceNumber;
    }
  }

  /** The segment with that number, the next one there is, or at first the live starting point. */
  #nextSegment(number: number | null): MediaSegment | null {
    const playlist = this.#playlist;
    if (!playlist) return null;
    if (number !== null)
      return playlist.segments.find((each) => each.mediaSequenceNumber >= number) ?? null;
    const [first] = playlist.segments;
    const last = playlist.segments.at(-1);
    if (!first || !last) return null;
    const startSeconds = endSeconds(last) - liveSyncDurations * playlist.targetDurationSeconds;
    // A broadcast that has just begun: nearer to the edge every segment would come too late.
    if (playlist.isLive && startSeconds < first.startSeconds - 0.5) return null;
    return playlist.segments.find((each) => each.startSeconds >= startSeconds - 0.1) ?? last;
  }

  async #loadSegment(segment: MediaSegment): Promise<boolean> {
    const playlist = this.#playlist;
    if (!playlist) return false;
    try {
      for (const url of playlist.initUrls) await this.#loadInit(url);
      const { bytes, source } = await this.#delivery.load(
        playlist.url,
        segment,
        this.#abort.signal,
      );
      this.#options.onSegment?.(segment, bytes, source);
      this.#playhead.append(segment.startSeconds, endSeconds(segment), performance.now());
      return true;
    } catch {
      // As hls.js does: ask again a little later. What failed shows in the stall counters.
      await this.#wait(retryMs);
      return false;
    }
  }

  async #loadInit(url: string): Promise<void> {
    if (this.#loadedInits.has(url)) return;
    await this.#delivery.loadFromCdn(url, null, this.#abort.signal);
    this.#loadedInits.add(url);
  }

  #tick(): void {
    this.#playhead.tick(performance.now());
    if (this.#playhead.hasStarted) this.#delivery.updatePlayhead(this.#playhead.positionSeconds);
  }

  #liveLatencySeconds(): number | null {
    const last = this.#playlist?.segments.at(-1);
    if (!last || !this.#playlist?.isLive || !this.#playhead.hasStarted) return null;
    return endSeconds(last) - this.#playhead.positionSeconds;
  }

  #openReporter(): BeaconReporter | null {
    const { trackerUrl, telemetry, playlistUrl } = this.#options;
    const url = trackerUrl === null || telemetry === false ? null : trackerHttpUrl(trackerUrl);
    if (url === null) return null;
    return new BeaconReporter({
      url,
      token: undefined,
      session: randomCharacters(22),
      stream: streamNameOf(playlistUrl),
      totals: () => ({ ...this.#meter.totals, ...this.#playbackMeter.totals(performance.now()) }),
      state: () => ({ ...this.stats, rendition: this.#delivery.rendition, p2pEnabled: true }),
      viewerId: this.#viewerId,
      takeExchanged: () => this.#meter.takeExchanged(),
      fetch: (input, init) => globalThis.fetch(input, init),
      nowMs: () => performance.now(),
    });
  }

  async #fetchText(url: string): Promise<string | null> {
    try {
      const response = await globalThis.fetch(url, { signal: this.#abort.signal });
      return response.ok ? await response.text() : null;
    } catch {
      return null;
    }
  }

  #wait(delayMs: number): Promise<void> {
    const { signal } = this.#abort;
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', finish);
        resolve();
      };
      const timer = setTimeout(finish, delayMs);
      signal.addEventListener('abort', finish);
    });
  }

  #waitForPlaylist(): Promise<void> {
    return new Promise((resolve) => {
      this.#playlistChanged = resolve;
      this.#abort.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}
