// Opens the source of a rendition on the exchange that is asked for: Shoal's own with pieces where
// the playlist has them, else whole segments by p2p-media-loader's core. Below hybrid-delivery.

import type { SwarmId } from '@shoal/tracker/protocol';
import type { FetchUrl } from './cdn/cdn-fetch.ts';
import type { CdnFetcher } from './cdn-fetcher.ts';
import type { DeliveryEvents } from './delivery-events.ts';
import { sha256Hex } from './digest.ts';
import type { P2pMediaLoaderModule } from './exchange/p2p-media-loader-exchange.ts';
import { type RenditionPlaylist, withoutQuery } from './media-segment.ts';
import { PeerSwitch } from './peer-switch.ts';
import type { TrackerClientClass } from './pieces/peer-connection.ts';
import { PictureLinks } from './pieces/picture-links.ts';
import { PieceDelivery } from './pieces/piece-delivery.ts';
import { RangeFetcher } from './pieces/range-fetcher.ts';
import type { SoundLinks } from './pieces/sound-links.ts';
import type { WakeUps } from './pieces/wake-up.ts';
import { RenditionDelivery } from './rendition-delivery.ts';
import type { RenditionSource } from './rendition-source.ts';
import type { FetchReason } from './scheduler/scheduler-actions.ts';
import { SegmentStore } from './segment-store.ts';
import { swarmAddressOf } from './swarm-address.ts';
import { trackerSocketUrl } from './tracker-url.ts';

/** How viewers exchange media: Shoal's pieces, or segments as p2p-media-loader's swarms do. */
export type ExchangeKind = 'shoal' | 'p2p-media-loader';

export interface SourceOptions {
  readonly exchange: ExchangeKind;
  readonly swarmId: SwarmId;
  /** Absolute URL of the multivariant playlist. */
  readonly playlistUrl: string;
  /** The stream's name, for trackers that serve only streams they know. */
  readonly stream: string;
  /** WebSocket URL of the tracker; `null` delivers from the CDN alone. */
  readonly trackerUrl: string | null;
  /** The viewer's token at this moment, where the URL does not have it. */
  readonly token?: (() => string | undefined) | undefined;
  readonly loadCore: () => Promise<P2pMediaLoaderModule>;
  readonly loadTrackerClientClass: () => Promise<TrackerClientClass>;
  readonly iceServers: readonly RTCIceServer[];
  readonly viewerId: string;
  readonly storeLimitBytes: number;
  readonly fetch: FetchUrl;
  /** The whole segment is held against its digest too: with a pinned key the piece root is not signed. */
  readonly checksWhole?: boolean | undefined;
  /** Connections to others by TURN servers only. */
  readonly relayOnly?: boolean | undefined;
  readonly nowMs: () => number;
  readonly cdn: CdnFetcher;
  /** The links that the sound of this playback travels on. */
  readonly soundLinks: SoundLinks;
  /** Shared by all renditions of this playback. */
  readonly wakeUps: WakeUps;
  readonly events: DeliveryEvents;
  readonly onFetch?: ((reason: FetchReason, sizeBytes: number) => void) | undefined;
  /** What other viewers are given instead of the real bytes; tests make a viewer lie with it. */
  readonly serve?: ((bytes: Uint8Array) => Uint8Array) | undefined;
}

/** Links that a viewer keeps at most: enough to be told of everything, few enough for any device. */
const maxLinks = 16;

export function openSource(options: SourceOptions, playlist: RenditionPlaylist): RenditionSource {
  const hasPieces = playlist.segments.some(({ pieces }) => pieces !== null);
  const isPiecewise = options.exchange === 'shoal' && hasPieces;
  return isPiecewise ? openPieceSource(options, playlist) : openSegmentSource(options, playlist);
}

function openPieceSource(options: SourceOptions, playlist: RenditionPlaylist): RenditionSource {
  const { trackerUrl, viewerId, nowMs, fetch, events, onFetch, serve, storeLimitBytes } = options;
  const delivery = new PieceDelivery(
    {
      viewerId,
      nowMs,
      random: Math.random,
      wakeUps: options.wakeUps,
      ranges: new RangeFetcher({ fetch, nowMs }),
      storeLimitBytes,
      checksWhole: options.checksWhole ?? false,
      events: onFetch ? withFetchReasons(events, onFetch) : events,
      ...(serve ? { serve } : {}),
    },
    playlist,
  );
  if (trackerUrl === null) return delivery;
  const { soundLinks } = options;
  if (playlist.track === 'audio') {
    // Nothing to load, nobody to meet: the links are those of the pictures, as soon as there are any.
    const use = (isAllowed: boolean): void =>
      delivery.setLinks(isAllowed ? (listener) => soundLinks.use(listener) : null);
    delivery.joinWith({ isJoining: false, allow: use, close: () => {} });
    return delivery;
  }
  delivery.joinWith(
    new PeerSwitch(options.loadTrackerClientClass, (clientClass) => {
      if (clientClass === null) delivery.setLinks(null);
      else {
        const linkOptions = linkOptionsOf(options, trackerUrl, clientClass, playlist);
        delivery.setLinks((listener) => new PictureLinks(linkOptions, listener, soundLinks));
      }
    }),
  );
  return delivery;
}

function linkOptionsOf(
  options: SourceOptions,
  trackerUrl: string,
  clientClass: TrackerClientClass,
  playlist: RenditionPlaylist,
) {
  const name = `shoal-1 ${options.swarmId} ${new URL(playlist.url).pathname}`;
  const addressWith = (url: string) => swarmAddressOf(url, { ...options, name });
  const url = withToken(options, trackerUrl);
  const address = addressWith(url);
  return {
    clientClass,
    /** A token that was renewed is part of it. */
    trackerUrl: () => {
      const urlNow = withToken(options, trackerUrl);
      return (urlNow === url ? address : addressWith(urlNow)).socketUrl;
    },
    infoHash: address.infoHash,
    viewerId: options.viewerId,
    connection: {
      iceServers: options.iceServers,
      iceTransportPolicy: options.relayOnly ? ('relay' as const) : ('all' as const),
    },
    maxLinks,
    nowMs: options.nowMs,
    onRelayed: (sizeBytes: number) => options.events.onRelayed?.(sizeBytes),
  };
}

function withToken({ token }: SourceOptions, trackerUrl: string): string {
  return trackerSocketUrl(trackerUrl, token?.()) ?? trackerUrl;
}

function openSegmentSource(options: SourceOptions, playlist: RenditionPlaylist): RenditionSource {
  const { trackerUrl, viewerId, nowMs, events, cdn, serve } = options;
  const store = new SegmentStore(options.storeLimitBytes, serve);
  const delivery = new RenditionDelivery({ store, cdn, viewerId, nowMs, events }, playlist);
  delivery.joinWith(
    new PeerSwitch(options.loadCore, (coreModule) => {
      if (trackerUrl === null || coreModule === null) delivery.setExchange(null);
      else {
        // Pages with p2p-media-loader use this name by themselves where their URL is the same; the
        // core tells renditions apart.
        const { name, socketUrl } = swarmAddressOf(withToken(options, trackerUrl), {
          ...options,
          name: withoutQuery(options.playlistUrl),
        });
        const exchangeOptions = {
          coreModule,
          trackerUrl: socketUrl,
          swarmId: name,
          peerId: viewerId,
          iceServers: options.iceServers,
          relayOnly: options.relayOnly ?? false,
          store,
          verify: async (segment: { readonly digest: string | null }, bytes: ArrayBuffer) =>
            (await sha256Hex(bytes)) === segment.digest,
        };
        delivery.setExchange(
          (current, listener) =>
            new coreModule.P2pMediaLoaderExchange(exchangeOptions, current, listener),
        );
      }
    }),
  );
  return delivery;
}

function withFetchReasons(
  events: DeliveryEvents,
  onFetch: (reason: FetchReason, sizeBytes: number) => void,
) {
  return {
    onDelivered: events.onDelivered.bind(events),
    onDiscarded: events.onDiscarded.bind(events),
    onUploaded: events.onUploaded.bind(events),
    onPeerCount: events.onPeerCount.bind(events),
    ...(events.onCdnTrouble && { onCdnTrouble: events.onCdnTrouble.bind(events) }),
    ...(events.onExchanged && { onExchanged: events.onExchanged.bind(events) }),
    ...(events.onRelayed && { onRelayed: events.onRelayed.bind(events) }),
    onFetch,
  };
}
