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
  type MediaTrack,
  makeViewerId,
  randomCharacters,
  type TrackerClientClass,
  trackerHttpUrl,
  trackerSocketUrl,
} from '@shoal/player/delivery';
import {
  BeaconReporter,
  DeliveryMeter,
  PlaybackMeter,
  streamNameOf,
} from '@shoal/player/telemetry';
import { abortableWait } from './abortable-wait.ts';
import { loadCore } from './node-webrtc.ts';
import {
  type ReadRendition,
  type ReadVariant,
  readMultivariantPlaylist,
} from './playlist-reader.ts';
import { SyntheticPlayhead } from './synthetic-playhead.ts';
import { fetchText, retryMs, TrackPlayer } from './track-player.ts';
import { limitUplink } from './uplink-limit.ts';
import type { ViewerDelivery } from './viewer-delivery.ts';

export interface HeadlessViewerOptions {
  /** Absolute URL of the multivariant playlist. */
  readonly playlistUrl: string;
  /** The tracker, or `null` to watch from the CDN alone. */
  readonly trackerUrl: string | null;
  /** Of trackers that ask for one. It is not renewed: it has to last as long as the viewer. */
  readonly viewerToken?: string | undefined;
  /** Rendition to watch, by the name of its folder; the highest by default. */
  readonly rendition?: string | undefined;
  /** Where to begin in a recording; at its start by default. */
  readonly startAtSeconds?: number | undefined;
  readonly telemetry?: boolean | undefined;
  readonly exchange?: ExchangeKind | undefined;
  /** Uplink in bit/s, as a token bucket on what the data channels send; unlimited by default. */
  readonly uplinkBps?: number | undefined;
  /** A viewer that does not upload says so; it uploads by default. */
  readonly canUpload?: boolean | undefined;
  /** Benchmarks put worse conditions between the viewer and its peers with it. */
  readonly wrapTrackerClient?:
    | ((clientClass: TrackerClientClass) => TrackerClientClass)
    | undefined;
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
const playheadIntervalMs = 250;

export class HeadlessViewer {
  readonly #options: HeadlessViewerOptions;
  readonly #viewerId: string;
  readonly #meter = new DeliveryMeter();
  readonly #playbackMeter = new PlaybackMeter(performance.now());
  readonly #playhead = new SyntheticPlayhead((event) =>
    this.#playbackMeter.handle(event, performance.now()),
  );
  readonly #delivery: ViewerDelivery;
  readonly #reporter: BeaconReporter | null;
  readonly #abort = new AbortController();
  readonly #positions = new Map<number, number>();
  #main: TrackPlayer | null = null;
  #playheadTimer: ReturnType<typeof setInterval> | null = null;

  private constructor(options: HeadlessViewerOptions) {
    this.#options = options;
    this.#viewerId = makeViewerId(options.canUpload ?? true);
    const make = options.makeDelivery ?? ((each) => new HybridDelivery(each));
    this.#delivery = make({
      playlistUrl: options.playlistUrl,
      trackerUrl:
        options.trackerUrl === null
          ? null
          : trackerSocketUrl(options.trackerUrl, options.viewerToken),
      exchange: options.exchange ?? 'shoal',
      loadCore,
      loadTrackerClientClass: async () => {
        const limited = limitUplink(await loadTrackerClientClass(), options.uplinkBps);
        return options.wrapTrackerClient?.(limited) ?? limited;
      },
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

  /** Waits for the stream, then plays all its tracks until closed. */
  async #watch(): Promise<void> {
    const { signal } = this.#abort;
    const [variant, ...below] = await this.#findVariants();
    if (variant === undefined) return;
    const main = this.#openTrack('main', variant, below);
    const tracks = [main];
    if (variant.audio !== null) tracks.push(this.#openTrack('audio', variant.audio, []));
    this.#main = main;
    if (signal.aborted) return;
    this.#playheadTimer = setInterval(() => this.#tick(), playheadIntervalMs);
    await Promise.all(tracks.map((track) => track.run()));
  }

  /** The variant to watch and those below it, best first; none when the viewer leaves. */
  async #findVariants(): Promise<readonly ReadVariant[]> {
    const { signal } = this.#abort;
    const { playlistUrl, rendition } = this.#options;
    while (!signal.aborted) {
      const text = await fetchText(playlistUrl, signal);
      const variants = text === null ? [] : readMultivariantPlaylist(text, playlistUrl);
      const index =
        rendition === undefined
          ? 0
          : variants.findIndex(({ url }) => url.includes(`/${rendition}/`));
      if (index >= 0 && index < variants.length) return variants.slice(index);
      await abortableWait(retryMs, signal);
    }
    return [];
  }

  #openTrack(
    track: MediaTrack,
    rendition: ReadRendition,
    below: readonly ReadRendition[],
  ): TrackPlayer {
    this.#playhead.expect(track);
    return new TrackPlayer({
      track,
      rendition,
      below,
      delivery: this.#delivery,
      playhead: this.#playhead,
      positions: this.#positions,
      startAtSeconds: this.#options.startAtSeconds ?? 0,
      signal: this.#abort.signal,
      onSegment: this.#options.onSegment,
    });
  }

  #tick(): void {
    this.#playhead.tick(performance.now());
    if (this.#playhead.hasStarted) this.#delivery.updatePlayhead(this.#playhead.positionSeconds);
  }

  #liveLatencySeconds(): number | null {
    const playlist = this.#main?.playlist;
    const last = playlist?.segments.at(-1);
    if (!last || !playlist?.isLive || !this.#playhead.hasStarted) return null;
    return endSeconds(last) - this.#playhead.positionSeconds;
  }

  #openReporter(): BeaconReporter | null {
    const { trackerUrl, telemetry, playlistUrl, viewerToken } = this.#options;
    const url = trackerUrl === null || telemetry === false ? null : trackerHttpUrl(trackerUrl);
    if (url === null) return null;
    return new BeaconReporter({
      url,
      token: () => viewerToken,
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
}
