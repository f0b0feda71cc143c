// Delivery of one playback: one rendition of each track in the foreground (pictures, and sound when
// it is apart), the ones left behind serving what they have for a while. The loaders stand on it.

import { type SwarmId, streamNameOf, swarmIdOfPlaylist } from '@shoal/tracker/protocol';
import { CdnError, CdnFetcher } from './cdn-fetcher.ts';
import type { DeliveredSegment, DeliveryEvents } from './delivery-events.ts';
import { firstOf } from './first-of.ts';
import {
  type MediaSegment,
  type MediaTrack,
  pathOf,
  type RenditionPlaylist,
  renditionName,
} from './media-segment.ts';
import { openSource, type SourceOptions } from './open-source.ts';
import { areEqualSettings, defaultPeerSettings, type PeerSettings } from './peer-settings.ts';
import { ForgedPiecesError } from './pieces/forged-pieces-error.ts';
import { SoundLinks } from './pieces/sound-links.ts';
import { WakeUps } from './pieces/wake-up.ts';
import type { RenditionSource } from './rendition-source.ts';
import type { OnArriving } from './segment-progress.ts';
import { fetchVerified } from './verified-fetch.ts';

export type HybridDeliveryOptions = Omit<
  SourceOptions,
  'swarmId' | 'stream' | 'cdn' | 'soundLinks' | 'wakeUps'
>;

interface Rendition {
  readonly source: RenditionSource;
  leaveTimer: ReturnType<typeof setTimeout> | null;
}

/** A rendition that is no longer played goes on serving its neighbours for this long. */
const lingerMs = 30_000;

/** Segments of sound and pictures begin up to this far from each other. */
const boundarySeconds = 0.1;

export class HybridDelivery {
  readonly #options: HybridDeliveryOptions;
  readonly #swarmId: SwarmId;
  readonly #cdn: CdnFetcher;
  readonly #soundLinks = new SoundLinks();
  readonly #wakeUps: WakeUps;
  readonly #renditions = new Map<string, Rendition>();
  /** Paths of the playlists being played. */
  readonly #foreground = new Map<MediaTrack, string>();
  /** URLs of segments that the CDN is being asked for as a whole, since their pieces may be forged. */
  readonly #wholesUnderWay = new Set<string>();
  /** The first pictures that were asked for begin there. */
  #startSeconds: number | null = null;
  #peersAllowed = false;
  #peerSettings = defaultPeerSettings;
  #closed = false;

  constructor(options: HybridDeliveryOptions) {
    this.#options = options;
    this.#swarmId = swarmIdOfPlaylist(options.playlistUrl);
    this.#wakeUps = new WakeUps(options.nowMs);
    this.#cdn = new CdnFetcher({ fetch: options.fetch, nowMs: options.nowMs });
  }

  /** Neighbours in the largest of the swarms: most of them are in all. */
  get peerCount(): number {
    return Math.max(0, ...this.#active().map(({ source }) => source.peerCount));
  }

  /** Name of the rendition whose pictures are played. */
  get rendition(): string | null {
    const path = this.#foreground.get('main');
    return path === undefined ? null : renditionName(path);
  }

  get peersAllowed(): boolean {
    return this.#peersAllowed;
  }

  /** Joins or leaves the swarms; playback goes on either way. */
  allowPeers(allowed: boolean): void {
    if (this.#closed || this.#peersAllowed === allowed) return;
    this.#peersAllowed = allowed;
    for (const { source } of this.#renditions.values()) source.allowPeers(allowed);
  }

  configurePeers(settings: PeerSettings): void {
    if (this.#closed || areEqualSettings(this.#peerSettings, settings)) return;
    this.#peerSettings = settings;
    this.#configureSources();
  }

  /** A playlist of any rendition was loaded or refreshed. */
  updatePlaylist(playlist: RenditionPlaylist): void {
    this.#renditions.get(pathOf(playlist.url))?.source.updatePlaylist(playlist);
  }

  /** Puts a rendition in the foreground; the one of the same track before it lingers. */
  activate(playlist: RenditionPlaylist): void {
    const path = pathOf(playlist.url);
    const previousPath = this.#foreground.get(playlist.track);
    if (this.#closed || previousPath === path) return;
    this.#foreground.set(playlist.track, path);
    if (previousPath !== undefined) this.#linger(previousPath);
    const rendition = this.#renditions.get(path) ?? this.#open(path, playlist);
    if (rendition.leaveTimer !== null) clearTimeout(rendition.leaveTimer);
    rendition.leaveTimer = null;
    rendition.source.setActive(true);
    this.#options.events.onPeerCount(this.peerCount);
  }

  updatePlayhead(positionSeconds: number): void {
    for (const { source } of this.#active()) source.updatePlayhead(positionSeconds);
  }

  /**
   * A segment of a playlist that was activated, for the player.
   * @param onArriving told of what is there before the whole is, where that is known
   * @throws CdnError when neither peers nor the CDN deliver; `AbortError` when `signal` aborts
   */
  load(
    playlistUrl: string,
    segment: MediaSegment,
    signal: AbortSignal,
    onArriving?: OnArriving,
  ): Promise<DeliveredSegment> {
    const path = pathOf(playlistUrl);
    const rendition = this.#renditions.get(path);
    if (!rendition) throw new RangeError(`${playlistUrl} was not activated`);
    const { source } = rendition;
    if (!source.canLoad(segment)) return this.loadFromCdn(segment.url, segment.digest, signal);
    if (path === this.#foreground.get('main')) this.#startSeconds ??= segment.startSeconds;
    const isAtStart =
      this.#startSeconds !== null && segment.startSeconds <= this.#startSeconds + boundarySeconds;
    return this.#loadPieces(source, segment, signal, onArriving, isAtStart);
  }

  /**
   * A resource that is not exchanged (an init section, a segment without digest), from the CDN.
   * @param digest checked when given; a mismatch is asked for once more past the caches
   */
  async loadFromCdn(
    url: string,
    digest: string | null,
    signal: AbortSignal,
    init: RequestInit = {},
  ): Promise<DeliveredSegment> {
    try {
      const { events } = this.#options;
      const response = await fetchVerified(this.#cdn, events, url, digest, signal, init);
      const { bytes, ...transfer } = response;
      events.onDelivered('cdn', bytes.byteLength);
      return { bytes, source: 'cdn', transfer };
    } catch (error) {
      if (error instanceof CdnError) this.#options.events.onDiscarded(error.receivedBytes);
      throw error;
    }
  }

  /**
   * By pieces; where these may be forged, whichever comes first of them and the whole from the CDN. If the
   * CDN is what is wrong, neighbours have the pieces, and hls.js would ask for them only seconds later.
   */
  async #loadPieces(
    source: RenditionSource,
    segment: MediaSegment,
    signal: AbortSignal,
    onArriving: OnArriving | undefined,
    isAtStart: boolean,
  ): Promise<DeliveredSegment> {
    try {
      return await source.load(segment, signal, onArriving, isAtStart);
    } catch (error) {
      if (!(error instanceof ForgedPiecesError)) throw error;
      const again = (until: AbortSignal) =>
        this.#loadPieces(source, segment, until, onArriving, false);
      const whole = (until: AbortSignal) => this.#loadWhole(segment, until);
      if (error.isCertain) return whole(signal);
      // The ranges of a segment fail one after the other: one whole at a time.
      if (this.#wholesUnderWay.has(segment.url)) return again(signal);
      if (source.peerCount === 0) return whole(signal);
      return firstOf(signal, [whole, again]);
    }
  }

  async #loadWhole({ url, digest }: MediaSegment, signal: AbortSignal): Promise<DeliveredSegment> {
    this.#wholesUnderWay.add(url);
    try {
      return await this.loadFromCdn(url, digest, signal);
    } finally {
      this.#wholesUnderWay.delete(url);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const rendition of this.#renditions.values()) {
      if (rendition.leaveTimer !== null) clearTimeout(rendition.leaveTimer);
      rendition.source.close();
    }
    this.#renditions.clear();
    this.#foreground.clear();
  }

  #active(): Rendition[] {
    return [...this.#foreground.values()]
      .map((path) => this.#renditions.get(path))
      .filter((rendition) => rendition !== undefined);
  }

  #open(path: string, playlist: RenditionPlaylist): Rendition {
    const { events } = this.#options;
    const source = openSource(
      {
        ...this.#options,
        swarmId: this.#swarmId,
        stream: streamNameOf(this.#options.playlistUrl),
        cdn: this.#cdn,
        soundLinks: this.#soundLinks,
        wakeUps: this.#wakeUps,
        events: {
          ...bound(events),
          onPeerCount: () => events.onPeerCount(this.peerCount),
        },
      },
      playlist,
    );
    const rendition: Rendition = { source, leaveTimer: null };
    this.#renditions.set(path, rendition);
    this.#configureSources();
    source.allowPeers(this.#peersAllowed);
    return rendition;
  }

  /** All swarms of this viewer share one line. */
  #configureSources(): void {
    const { uploadLimitBps } = this.#peerSettings;
    const share =
      uploadLimitBps === null ? null : uploadLimitBps / Math.max(1, this.#renditions.size);
    for (const { source } of this.#renditions.values())
      source.configurePeers({ ...this.#peerSettings, uploadLimitBps: share });
  }

  #linger(path: string): void {
    const rendition = this.#renditions.get(path);
    if (!rendition) return;
    rendition.source.setActive(false);
    rendition.leaveTimer = setTimeout(() => {
      rendition.source.close();
      this.#renditions.delete(path);
      this.#configureSources();
    }, lingerMs);
  }
}

function bound(events: DeliveryEvents): Omit<DeliveryEvents, 'onPeerCount'> {
  return {
    onDelivered: (source, sizeBytes) => events.onDelivered(source, sizeBytes),
    onDiscarded: (sizeBytes) => events.onDiscarded(sizeBytes),
    onUploaded: (sizeBytes) => events.onUploaded(sizeBytes),
    onCdnTrouble: () => events.onCdnTrouble?.(),
    onExchanged: (peerId, receivedBytes, sentBytes) =>
      events.onExchanged?.(peerId, receivedBytes, sentBytes),
    onRelayed: (sizeBytes) => events.onRelayed?.(sizeBytes),
  };
}
