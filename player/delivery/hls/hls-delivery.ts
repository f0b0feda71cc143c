// Joins one hls.js instance and delivery: playlists and play head go down, fragments come up.
// Created for each source that hls.js loads; the session above owns it.

import type Hls from 'hls.js';
import type { FragmentLoaderContext, LevelDetails } from 'hls.js';
import type { DeliveredSegment } from '../delivery-events.ts';
import type { HybridDelivery } from '../hybrid-delivery.ts';
import { renditionName, withoutQuery } from '../media-segment.ts';
import { digestOf, renditionPlaylistOf, segmentOf } from './playlist-mapping.ts';

export class HlsDelivery {
  readonly #hls: Hls;
  readonly #delivery: HybridDelivery;
  #rendition: string | null = null;

  constructor(hls: Hls, delivery: HybridDelivery) {
    this.#hls = hls;
    this.#delivery = delivery;
  }

  /** Name of the rendition that was loaded last. */
  get rendition(): string | null {
    return this.#rendition;
  }

  /** A media playlist of the main video was loaded or refreshed. */
  playlistUpdated(levelIndex: number, details: LevelDetails): void {
    const url = this.#playlistUrl(levelIndex);
    if (url !== null) this.#delivery.updatePlaylist(renditionPlaylistOf(url, details));
  }

  /** The bytes for hls.js, from peers or CDN. */
  async load(context: FragmentLoaderContext, signal: AbortSignal): Promise<DeliveredSegment> {
    const { frag, part } = context;
    const url = frag.type === 'main' ? this.#playlistUrl(frag.level) : null;
    if (url !== null) this.#rendition = renditionName(url);
    const details = this.#hls.levels[frag.level]?.details;
    const segment = part === null ? segmentOf(frag) : null;
    if (url === null || !details || segment === null || segment.digest === null) {
      return this.#loadFromCdn(context, signal);
    }
    this.#delivery.activate(renditionPlaylistOf(url, details));
    return this.#delivery.load(withoutQuery(url), segment, signal);
  }

  #loadFromCdn(context: FragmentLoaderContext, signal: AbortSignal): Promise<DeliveredSegment> {
    const headers: Record<string, string> = { ...context.headers };
    const { rangeStart, rangeEnd } = context;
    const isRange = rangeEnd !== undefined && rangeEnd > 0;
    // hls.js's end is exclusive, HTTP's is inclusive (RFC 9110 §14.1.2).
    if (isRange) headers.range = `bytes=${rangeStart ?? 0}-${rangeEnd - 1}`;
    const digest = isRange || context.part !== null ? null : digestOf(context.frag);
    return this.#delivery.loadFromCdn(context.url, digest, signal, { headers });
  }

  #playlistUrl(levelIndex: number): string | null {
    const uri = this.#hls.levels[levelIndex]?.uri;
    return uri === undefined || uri === '' ? null : withoutQuery(uri);
  }
}
