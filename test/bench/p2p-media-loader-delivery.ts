// p2p-media-loader's core in charge of a headless viewer, for comparison: its own HTTP, its own
// choice of source, configured as its documentation or its users do.

import type {
  DeliveredSegment,
  HybridDeliveryOptions,
  MediaSegment,
  RenditionPlaylist,
} from '@shoal/player/delivery';
import { swarmIdOfPlaylist } from '@shoal/tracker/protocol';
import type { Core, CoreConfig } from 'p2p-media-loader-core';
import type { ViewerDelivery } from '../../infra/demo/viewer-delivery.ts';

/** Settings that users find in issues and forums: fetch late, one request at a time. */
export const tunedConfig: CoreConfig = {
  highDemandTimeWindow: 1,
  simultaneousHttpDownloads: 1,
  simultaneousP2PDownloads: 6,
};

/** Cores keep one peer id per swarm and process; each viewer needs its own. */
let lastJoin: Promise<unknown> = Promise.resolve();

export class P2pMediaLoaderDelivery implements ViewerDelivery {
  readonly rendition = null;
  readonly #options: HybridDeliveryOptions;
  readonly #config: CoreConfig;
  readonly #known = new Set<string>();
  readonly #sources = new Map<string, 'cdn' | 'peer'>();
  #core: Promise<Core> | null = null;
  #playlist: RenditionPlaylist | null = null;
  #peerCount = 0;
  #joined = false;

  constructor(options: HybridDeliveryOptions, config: CoreConfig) {
    this.#options = options;
    this.#config = config;
  }

  allowPeers(): void {}

  activate(playlist: RenditionPlaylist): void {
    this.#core ??= this.#makeCore(playlist);
  }

  updatePlaylist(playlist: RenditionPlaylist): void {
    this.#playlist = playlist;
    void this.#core?.then((core) => this.#update(core, playlist));
  }

  updatePlayhead(positionSeconds: number): void {
    void this.#core?.then((core) => core.updatePlayback(positionSeconds, 1));
  }

  async load(
    _playlistUrl: string,
    segment: MediaSegment,
    signal: AbortSignal,
  ): Promise<DeliveredSegment> {
    const core = await this.#core;
    if (!core || !this.#playlist) throw new Error('no playlist was activated');
    this.#update(core, this.#playlist);
    const bytes = await new Promise<ArrayBuffer>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
      const callbacks = {
        onSuccess: ({ data }: { data: ArrayBuffer }) => resolve(data),
        onError: (error: Error) => reject(error),
      };
      this.#join(() => core.loadSegment(segment.url, callbacks)).catch(reject);
    });
    const source = this.#sources.get(segment.url) ?? 'cdn';
    this.#options.events.onDelivered(source, bytes.byteLength);
    return { bytes, source, transfer: null };
  }

  async loadFromCdn(
    url: string,
    _digest: string | null,
    signal: AbortSignal,
  ): Promise<DeliveredSegment> {
    const response = await this.#options.fetch(url, { signal });
    const bytes = await response.arrayBuffer();
    this.#options.events.onDelivered('cdn', bytes.byteLength);
    return { bytes, source: 'cdn', transfer: null };
  }

  close(): void {
    void this.#core?.then((core) => core.destroy());
  }

  #join(load: () => Promise<void>): Promise<unknown> {
    if (this.#joined) return load();
    this.#joined = true;
    const joined = lastJoin.then(async () => {
      const { Core } = await this.#options.loadCore();
      new Core({}).destroy();
      await load();
    });
    lastJoin = joined.catch(() => {});
    return joined;
  }

  async #makeCore(playlist: RenditionPlaylist): Promise<Core> {
    const { Core } = await this.#options.loadCore();
    const { trackerUrl, playlistUrl, viewerId, events } = this.#options;
    const core = new Core({
      swarmId: swarmIdOfPlaylist(playlistUrl),
      // A URL of its own, since clients of one process share a socket per URL.
      announceTrackers: trackerUrl === null ? [] : [`${trackerUrl}?viewer=${viewerId}`],
      trackerClientVersionPrefix: viewerId,
      rtcConfig: { iceServers: [] },
      ...this.#config,
    });
    core.setManifestResponseUrl(playlist.url);
    core.setIsLive(playlist.isLive);
    core.addStreamIfNoneExists({ runtimeId: playlist.url, type: 'main', index: playlist.url });
    core.addEventListener('onSegmentLoaded', ({ segmentUrl, downloadSource }) => {
      this.#sources.set(segmentUrl, downloadSource === 'p2p' ? 'peer' : 'cdn');
    });
    core.addEventListener('onPeerConnect', () => {
      this.#peerCount += 1;
      events.onPeerCount(this.#peerCount);
    });
    core.addEventListener('onPeerClose', () => {
      this.#peerCount -= 1;
      events.onPeerCount(this.#peerCount);
    });
    core.addEventListener('onChunkUploaded', (sizeBytes) => events.onUploaded(sizeBytes));
    return core;
  }

  #update(core: Core, playlist: RenditionPlaylist): void {
    const urls = new Set(playlist.segments.map(({ url }) => url));
    const added = playlist.segments
      .filter(({ url }) => !this.#known.has(url))
      .map((segment) => ({
        runtimeId: segment.url,
        externalId: segment.mediaSequenceNumber,
        url: segment.url,
        startTime: segment.startSeconds,
        endTime: segment.startSeconds + segment.durationSeconds,
      }));
    const removed = [...this.#known].filter((url) => !urls.has(url));
    for (const { url } of playlist.segments) this.#known.add(url);
    for (const url of removed) this.#known.delete(url);
    if (added.length > 0 || removed.length > 0) core.updateStream(playlist.url, added, removed);
  }
}
