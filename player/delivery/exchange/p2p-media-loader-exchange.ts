// The exchange on p2p-media-loader's core: whole segments between the viewers of one rendition.
// Its own HTTP is off, since it ignores live latency; rendition-delivery decides about the CDN.

import type {
  Core,
  CoreConfig,
  generateStreamShortId,
  Segment,
  Stream,
} from 'p2p-media-loader-core';
import { endSeconds, type MediaSegment, type RenditionPlaylist } from '../media-segment.ts';
import type { SegmentStore } from '../segment-store.ts';
import type { Exchange, ExchangeListener } from './exchange.ts';
import { ReceivedBytes } from './received-bytes.ts';
import { StoreAdapter } from './store-adapter.ts';

export type CoreClass = new (config: CoreConfig) => Core;

/** What is used of p2p-media-loader's core, given so that Node can bring its own build. */
export interface CoreModule {
  readonly Core: CoreClass;
  readonly generateStreamShortId: typeof generateStreamShortId;
}

export interface P2pMediaLoaderOptions {
  readonly coreModule: CoreModule;
  /** WebSocket URL of the tracker. */
  readonly trackerUrl: string;
  readonly swarmId: string;
  /** 20 ASCII characters: this viewer's id as its neighbours and the tracker know it. */
  readonly peerId: string;
  readonly iceServers: readonly RTCIceServer[];
  readonly relayOnly: boolean;
  readonly store: SegmentStore;
  /** Whether the bytes are those of the segment, by its digest. */
  readonly verify: (segment: MediaSegment, bytes: ArrayBuffer) => Promise<boolean>;
}

/** A transfer without a byte for this long is taken from the peer. */
const peerSilenceTimeoutMs = 1_500;
/** Wider than any live window: every segment of the playlist may come from peers. */
const exchangeWindowSeconds = 24 * 3600;

let lastJoin: Promise<void> = Promise.resolve();

/**
 * The core remembers one peer id per swarm for the whole page, so that two players of one stream
 * would be one peer. Destroying any core makes it forget; joins then must not overlap.
 */
function joinAlone(coreClass: CoreClass, join: () => Promise<void>): Promise<void> {
  const joined = lastJoin.then(() => {
    new coreClass({}).destroy();
    return join();
  });
  lastJoin = joined.catch(() => {});
  return joined;
}

export class P2pMediaLoaderExchange implements Exchange {
  readonly #core: Core;
  readonly #listener: ExchangeListener;
  readonly #store: SegmentStore;
  readonly #received: ReceivedBytes;
  readonly #neighbourIds = new Set<string>();
  readonly #streamRuntimeId: string;
  readonly #adapter: StoreAdapter;
  #segments = new Map<string, MediaSegment>();
  readonly #coreClass: CoreClass;
  #wanted: MediaSegment | null = null;
  #hasJoined = false;
  #closed = false;

  constructor(
    options: P2pMediaLoaderOptions,
    playlist: RenditionPlaylist,
    listener: ExchangeListener,
  ) {
    this.#listener = listener;
    this.#store = options.store;
    this.#streamRuntimeId = playlist.url;
    this.#received = new ReceivedBytes((sizeBytes) => listener.onDiscarded(sizeBytes));
    this.#adapter = new StoreAdapter({
      store: options.store,
      segments: () => this.#segments.values(),
      isBeingFetched: (segment) => listener.isBeingFetched(segment),
      onReceived: (segment, bytes) => {
        this.#received.complete(segment.url);
        listener.onReceived(segment, bytes);
      },
    });
    const { Core, generateStreamShortId } = options.coreModule;
    this.#coreClass = Core;
    this.#core = new Core({
      swarmId: options.swarmId,
      announceTrackers: [options.trackerUrl],
      trackerClientVersionPrefix: options.peerId,
      rtcConfig: {
        iceServers: [...options.iceServers],
        iceTransportPolicy: options.relayOnly ? 'relay' : 'all',
      },
      simultaneousHttpDownloads: 0,
      simultaneousP2PDownloads: 4,
      highDemandTimeWindow: 0,
      httpDownloadTimeWindow: 0,
      p2pDownloadTimeWindow: exchangeWindowSeconds,
      p2pNotReceivingBytesTimeoutMs: peerSilenceTimeoutMs,
      customSegmentStorageFactory: () => this.#adapter,
      validateP2PSegment: async (url, _byteRange, data) => {
        const segment = this.#segments.get(url);
        return segment !== undefined && (await options.verify(segment, data));
      },
    });
    this.#core.setManifestResponseUrl(playlist.url);
    this.#core.setIsLive(playlist.isLive);
    const stream: Stream = {
      runtimeId: playlist.url,
      type: playlist.track === 'main' ? 'main' : 'secondary',
      // As p2p-media-loader-hlsjs does, so that its pages and ours meet.
      index: generateStreamShortId({ ...playlist.attributes }),
    };
    this.#core.addStreamIfNoneExists(stream);
    this.#listen();
    this.updatePlaylist(playlist);
  }

  get neighbourIds(): ReadonlySet<string> {
    return this.#neighbourIds;
  }

  updatePlaylist(playlist: RenditionPlaylist): void {
    if (this.#closed) return;
    const exchangeable = playlist.segments.filter((segment) => segment.digest !== null);
    const next = new Map(exchangeable.map((segment) => [segment.url, segment]));
    const added: Segment[] = exchangeable
      .filter((segment) => !this.#segments.has(segment.url))
      .map((segment) => ({
        runtimeId: segment.url,
        externalId: segment.mediaSequenceNumber,
        url: segment.url,
        startTime: segment.startSeconds,
        endTime: endSeconds(segment),
      }));
    const removed = [...this.#segments.keys()].filter((url) => !next.has(url));
    this.#segments = next;
    if (added.length > 0 || removed.length > 0) {
      this.#core.updateStream(this.#streamRuntimeId, added, removed);
    }
  }

  want(segment: MediaSegment | null): void {
    if (this.#closed || this.#wanted?.url === segment?.url) return;
    if (segment === null || !this.#segments.has(segment.url)) {
      // Else the core would go on asking peers for what the CDN is bringing.
      if (this.#wanted) this.#core.abortSegmentLoading(this.#wanted.url);
      this.#wanted = null;
      return;
    }
    this.#wanted = segment;
    void this.#request(segment);
  }

  updatePlayhead(positionSeconds: number): void {
    if (!this.#closed) this.#core.updatePlayback(positionSeconds, 1);
  }

  announce(): void {
    if (!this.#closed) this.#adapter.notifyChanged();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#received.discardAll();
    this.#core.destroy();
    this.#neighbourIds.clear();
  }

  /** Tells the core where to download on; the first request of all makes it join the swarm. */
  async #request(segment: MediaSegment): Promise<void> {
    // It tells through the store what it has; an answer to this request itself would come only
    // from its own HTTP.
    const ignore = (): void => {};
    const ask = (): Promise<void> =>
      this.#core.loadSegment(segment.url, { onSuccess: ignore, onError: ignore });
    try {
      if (this.#hasJoined) await ask();
      else {
        this.#hasJoined = true;
        await joinAlone(this.#coreClass, async () => {
          if (!this.#closed) await ask();
        });
      }
    } catch {
      // The segment left the playlist between update and request: the next update asks again.
      if (this.#wanted?.url === segment.url) this.#wanted = null;
    }
  }

  #listen(): void {
    const core = this.#core;
    core.addEventListener('onPeerConnect', ({ peerId }) => {
      this.#neighbourIds.add(peerId);
      this.#listener.onNeighboursChanged();
    });
    core.addEventListener('onPeerClose', ({ peerId }) => {
      this.#neighbourIds.delete(peerId);
      if (!this.#closed) this.#listener.onNeighboursChanged();
    });
    core.addEventListener('onSegmentStart', ({ segment, peerId }) => {
      const known = this.#segments.get(segment.runtimeId);
      if (!known) return;
      this.#received.begin(known.url, peerId);
      this.#listener.onReceiving(known);
    });
    core.addEventListener('onChunkDownloaded', (sizeBytes, _source, peerId) => {
      this.#received.add(peerId, sizeBytes);
    });
    core.addEventListener('onSegmentError', ({ segment }) => this.#fail(segment.runtimeId));
    core.addEventListener('onSegmentAbort', ({ segment }) => this.#fail(segment.runtimeId));
    core.addEventListener('onChunkUploaded', (sizeBytes) => this.#listener.onUploaded(sizeBytes));
  }

  #fail(url: string): void {
    if (this.#closed) return;
    this.#received.discard(url);
    const segment = this.#segments.get(url);
    if (segment && !this.#store.has(url)) this.#listener.onReceiveFailed(segment);
  }
}

/** The exchange and its core; pages load both late. */
export interface P2pMediaLoaderModule extends CoreModule {
  readonly P2pMediaLoaderExchange: typeof P2pMediaLoaderExchange;
}
