// Joins one hls.js instance and delivery: playlists and play head go down, fragments come up.
// Created for each source that hls.js loads; the session above owns it.

import type Hls from 'hls.js';
import type { FragmentLoaderContext, LevelDetails } from 'hls.js';
import type { DeliveredSegment } from '../delivery-events.ts';
import type { HybridDelivery } from '../hybrid-delivery.ts';
import { type MediaTrack, renditionName, withoutQuery } from '../media-segment.ts';
import { digestOf, renditionPlaylistOf, segmentOf } from './playlist-mapping.ts';

interface HlsPlaylist {
  readonly url: string;
  readonly details: LevelDetails | undefined;
}

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

  /** A media playlist was loaded or refreshed: of a level, or of an audio track. */
  playlistUpdated(track: MediaTrack, index: number, details: LevelDetails): void {
    const url = this.#playlist(track, index)?.url;
    if (url !== undefined) this.#delivery.updatePlaylist(renditionPlaylistOf(track, url, details));
  }

  /** The bytes for hls.js, from peers or CDN. */
  async load(context: FragmentLoaderContext, signal: AbortSignal): Promise<DeliveredSegment> {
    const { frag, part } = context;
    const track = frag.type === 'main' || frag.type === 'audio' ? frag.type : null;
    const playlist = track === null ? null : this.#playlist(track, frag.level);
    if (track === 'main' && playlist) this.#rendition = renditionName(playlist.url);
    const segment = part === null ? segmentOf(frag) : null;
    if (track === null || !playlist?.details || segment === null || segment.digest === null) {
      return this.#loadFromCdn(context, signal);
    }
    this.#delivery.activate(renditionPlaylistOf(track, playlist.url, playlist.details));
    return this.#delivery.load(withoutQuery(playlist.url), segment, signal);
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

  /** A fragment's `level` is the index of its level, or of its audio track in the level's group. */
  #playlist(track: MediaTrack, index: number): HlsPlaylist | null {
    const level = track === 'main' ? this.#hls.levels[index] : undefined;
    const audio = track === 'audio' ? this.#hls.audioTracks[index] : undefined;
    const url = level?.uri ?? audio?.url;
    if (url === undefined || url === '') return null;
    return { url: withoutQuery(url), details: (level ?? audio)?.details };
  }
}
