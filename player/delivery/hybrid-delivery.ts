// Delivery of one playback: a rendition at a time in the foreground, the ones left behind serving
// what they have for a while. The loaders of hls.js and the headless viewers stand on it.

import { type SwarmId, swarmIdOfPlaylist } from '@shoal/tracker/protocol';
import { CdnError, CdnFetcher } from './cdn-fetcher.ts';
import type { DeliveredSegment, DeliveryEvents } from './delivery-events.ts';
import { sha256Hex } from './digest.ts';
import type { OpenExchange } from './exchange/exchange.ts';
import { type CoreClass, P2pMediaLoaderExchange } from './exchange/p2p-media-loader-exchange.ts';
import { type MediaSegment, type RenditionPlaylist, renditionName } from './media-segment.ts';
import { RenditionDelivery } from './rendition-delivery.ts';
import { SegmentStore } from './segment-store.ts';

export interface HybridDeliveryOptions {
  /** Absolute URL of the multivariant playlist: names the swarm. */
  readonly playlistUrl: string;
  /** WebSocket URL of the tracker; `null` delivers from the CDN alone. */
  readonly trackerUrl: string | null;
  /** Brings p2p-media-loader's core when peers are first allowed. */
  readonly loadCoreClass: () => Promise<CoreClass>;
  readonly iceServers: readonly RTCIceServer[];
  /** 20 ASCII characters. */
  readonly viewerId: string;
  readonly storeLimitBytes: number;
  readonly fetch: typeof globalThis.fetch;
  readonly nowMs: () => number;
  readonly events: DeliveryEvents;
  /** Replaces the store, so that tests can make a viewer serve something else. */
  readonly makeStore?: (limitBytes: number) => SegmentStore;
}

interface Rendition {
  readonly delivery: RenditionDelivery;
  readonly store: SegmentStore;
  leaveTimer: ReturnType<typeof setTimeout> | null;
}

/** A rendition that is no longer played goes on serving its neighbours for this long. */
const lingerMs = 30_000;

export class HybridDelivery {
  readonly #options: HybridDeliveryOptions;
  readonly #swarmId: SwarmId;
  readonly #cdn: CdnFetcher;
  readonly #renditions = new Map<string, Rendition>();
  #activeUrl: string | null = null;
  #peersAllowed = false;
  #coreClass: CoreClass | null = null;
  #closed = false;

  constructor(options: HybridDeliveryOptions) {
    this.#options = options;
    this.#swarmId = swarmIdOfPlaylist(options.playlistUrl);
    this.#cdn = new CdnFetcher({ fetch: options.fetch, nowMs: options.nowMs });
  }

  get peerCount(): number {
    return this.#active?.delivery.peerCount ?? 0;
  }

  /** Name of the rendition in the foreground. */
  get rendition(): string | null {
    return this.#activeUrl === null ? null : renditionName(this.#activeUrl);
  }

  get peersAllowed(): boolean {
    return this.#peersAllowed;
  }

  /** Joins or leaves the swarms; playback goes on either way. */
  allowPeers(allowed: boolean): void {
    if (this.#closed || this.#peersAllowed === allowed) return;
    this.#peersAllowed = allowed;
    this.#applyPeers();
    if (!allowed || this.#coreClass !== null || this.#options.trackerUrl === null) return;
    this.#options.loadCoreClass().then(
      (coreClass) => {
        this.#coreClass = coreClass;
        this.#applyPeers();
      },
      (error: unknown) =>
        console.warn('Shoal: peers are off, their code could not be loaded.', error),
    );
  }

  /** A playlist of any rendition was loaded or refreshed. */
  updatePlaylist(playlist: RenditionPlaylist): void {
    this.#renditions.get(playlist.url)?.delivery.updatePlaylist(playlist);
  }

  /** Puts a rendition in the foreground; the one before lingers. */
  activate(playlist: RenditionPlaylist): void {
    if (this.#closed || this.#activeUrl === playlist.url) return;
    const previous = this.#active;
    const previousUrl = this.#activeUrl;
    this.#activeUrl = playlist.url;
    if (previous && previousUrl !== null) this.#linger(previousUrl, previous);
    const rendition = this.#renditions.get(playlist.url) ?? this.#open(playlist);
    if (rendition.leaveTimer !== null) clearTimeout(rendition.leaveTimer);
    rendition.leaveTimer = null;
    rendition.delivery.setActive(true);
    this.#options.events.onPeerCount(this.peerCount);
  }

  updatePlayhead(positionSeconds: number): void {
    this.#active?.delivery.updatePlayhead(positionSeconds);
  }

  /**
   * A segment of a playlist that was activated, for the player.
   * @throws CdnError when neither peers nor the CDN deliver; `AbortError` when `signal` aborts
   */
  load(playlistUrl: string, segment: MediaSegment, signal: AbortSignal): Promise<DeliveredSegment> {
    const rendition = this.#renditions.get(playlistUrl);
    if (!rendition) throw new RangeError(`${playlistUrl} was not activated`);
    return rendition.delivery.load(segment, signal);
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
    let response = await this.#cdn.fetch(url, signal, init);
    if (digest !== null && (await sha256Hex(response.bytes)) !== digest) {
      this.#options.events.onDiscarded(response.bytes.byteLength);
      response = await this.#cdn.fetch(url, signal, { ...init, cache: 'reload' });
      if ((await sha256Hex(response.bytes)) !== digest) {
        throw new CdnError(0, `${url} does not match its digest`, response.bytes.byteLength);
      }
    }
    const { bytes, ...transfer } = response;
    this.#options.events.onDelivered('cdn', bytes.byteLength);
    return { bytes, source: 'cdn', transfer };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const rendition of this.#renditions.values()) {
      if (rendition.leaveTimer !== null) clearTimeout(rendition.leaveTimer);
      rendition.delivery.close();
    }
    this.#renditions.clear();
    this.#activeUrl = null;
  }

  get #active(): Rendition | undefined {
    return this.#activeUrl === null ? undefined : this.#renditions.get(this.#activeUrl);
  }

  #open(playlist: RenditionPlaylist): Rendition {
    const { storeLimitBytes, makeStore, viewerId, nowMs, events } = this.#options;
    const store = makeStore?.(storeLimitBytes) ?? new SegmentStore(storeLimitBytes);
    const url = playlist.url;
    const delivery = new RenditionDelivery(
      {
        store,
        cdn: this.#cdn,
        viewerId,
        nowMs,
        events: {
          ...bound(events),
          onPeerCount: (peerCount) => {
            if (this.#activeUrl === url) events.onPeerCount(peerCount);
          },
        },
      },
      playlist,
    );
    const rendition: Rendition = { delivery, store, leaveTimer: null };
    this.#renditions.set(url, rendition);
    delivery.setExchange(this.#exchangeOpener(store));
    return rendition;
  }

  #applyPeers(): void {
    for (const { delivery, store } of this.#renditions.values())
      delivery.setExchange(this.#exchangeOpener(store));
  }

  #exchangeOpener(store: SegmentStore): OpenExchange | null {
    const { trackerUrl, viewerId, iceServers } = this.#options;
    const coreClass = this.#coreClass;
    if (!this.#peersAllowed || trackerUrl === null || coreClass === null) return null;
    return (playlist, listener) =>
      new P2pMediaLoaderExchange(
        {
          coreClass,
          trackerUrl: ownSocketUrl(trackerUrl, viewerId),
          swarmId: this.#swarmId,
          peerId: viewerId,
          iceServers,
          store,
          verify: async (segment, bytes) => (await sha256Hex(bytes)) === segment.digest,
        },
        playlist,
        listener,
      );
  }

  #linger(url: string, rendition: Rendition): void {
    rendition.delivery.setActive(false);
    rendition.leaveTimer = setTimeout(() => {
      rendition.delivery.close();
      this.#renditions.delete(url);
    }, lingerMs);
  }
}

/**
 * The tracker client shares one socket among all players of a page that use one URL, and then each
 * of them answers the offers made to any: every player gets a URL of its own.
 */
function ownSocketUrl(trackerUrl: string, viewerId: string): string {
  const url = new URL(trackerUrl);
  url.searchParams.set('viewer', viewerId);
  return url.href;
}

function bound(events: DeliveryEvents): Omit<DeliveryEvents, 'onPeerCount'> {
  return {
    onDelivered: (source, sizeBytes) => events.onDelivered(source, sizeBytes),
    onDiscarded: (sizeBytes) => events.onDiscarded(sizeBytes),
    onUploaded: (sizeBytes) => events.onUploaded(sizeBytes),
  };
}
