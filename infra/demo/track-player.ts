// One track of a headless viewer: follows its media playlist and loads its segments one after the
// other, as hls.js's controllers do. The viewer above gives delivery and play head.

import {
  endSeconds,
  type MediaSegment,
  type MediaTrack,
  questionUrl,
  type RenditionPlaylist,
  streamBeyond,
} from '@shoal/player/delivery';
import { abortableWait } from './abortable-wait.ts';
import {
  type ReadMediaPlaylist,
  type ReadRendition,
  readMediaPlaylist,
} from './playlist-reader.ts';
import type { SyntheticPlayhead } from './synthetic-playhead.ts';
import type { ViewerDelivery } from './viewer-delivery.ts';

export interface TrackPlayerOptions {
  readonly track: MediaTrack;
  /** Its media playlist. */
  readonly rendition: ReadRendition;
  /** Where to go on when it ends before the stream, as one that is too much for the encoder does. */
  readonly below: readonly ReadRendition[];
  readonly delivery: ViewerDelivery;
  readonly playhead: SyntheticPlayhead;
  /** Where segments lie on the viewer's timeline, by sequence number; all tracks share it. */
  readonly positions: Map<number, number>;
  /** Where to begin in a recording. */
  readonly startAtSeconds: number;
  readonly signal: AbortSignal;
  readonly onSegment?:
    | ((segment: MediaSegment, bytes: ArrayBuffer, source: 'cdn' | 'peer') => void)
    | undefined;
}

/** As in hls.js: play this many target durations behind the edge. */
const liveSyncDurations = 3;
const maxBufferSeconds = 30;
const bufferCheckMs = 250;
/** A copy in a cache may be older than the end: another rendition is asked so often. */
const questions = 3;
export const retryMs = 1_000;

export class TrackPlayer {
  readonly #options: TrackPlayerOptions;
  readonly #loadedInits = new Set<string>();
  #playlist: ReadMediaPlaylist | null = null;
  #playlistChanged: (() => void) | null = null;
  #rendition: ReadRendition;
  #below: readonly ReadRendition[];

  constructor(options: TrackPlayerOptions) {
    this.#options = options;
    this.#rendition = options.rendition;
    this.#below = options.below;
    options.signal.addEventListener('abort', () => this.#playlistChanged?.(), { once: true });
  }

  /** The playlist as it was read last. */
  get playlist(): RenditionPlaylist | null {
    return this.#playlist;
  }

  /** Follows and plays until the end of the stream or of the viewer. */
  async run(): Promise<void> {
    await Promise.all([this.#followPlaylist(), this.#play()]);
  }

  async #followPlaylist(): Promise<void> {
    const { track, signal, positions, delivery } = this.#options;
    while (!signal.aborted) {
      const { url, attributes } = this.#rendition;
      const known = this.#playlist;
      const requested = known?.canBlockReload
        ? `${url}?_HLS_msn=${known.lastSequenceNumber + 1}`
        : url;
      const text = await fetchText(requested, signal);
      if (text === null) {
        await abortableWait(retryMs, signal);
        continue;
      }
      const playlist = { ...readMediaPlaylist(text, url, track, positions), attributes };
      // The other rendition has its last segments too.
      if (!playlist.isLive && known?.isLive === true && (await this.#stepDown(text))) continue;
      const isNew = playlist.lastSequenceNumber !== known?.lastSequenceNumber;
      this.#playlist = playlist;
      delivery.activate(playlist);
      delivery.updatePlaylist(playlist);
      this.#playlistChanged?.();
      if (!playlist.isLive) return;
      if (!isNew || !playlist.canBlockReload)
        await abortableWait(playlist.targetDurationSeconds * 500, signal);
    }
  }

  /** Takes the first rendition below that has more than the one that has ended; `false` without any. */
  async #stepDown(ended: string): Promise<boolean> {
    const { signal } = this.#options;
    for (const [index, rendition] of this.#below.entries()) {
      for (let asked = 0; asked < questions && !signal.aborted; asked += 1) {
        if (asked > 0) await abortableWait(retryMs, signal);
        const other = await fetchText(questionUrl(rendition.url, ended), signal);
        const verdict = other === null ? 'ended' : streamBeyond(ended, other);
        if (verdict === 'ended') break;
        if (verdict === 'unknown') continue;
        this.#rendition = rendition;
        this.#below = this.#below.slice(index + 1);
        return true;
      }
    }
    return false;
  }

  async #play(): Promise<void> {
    const { signal, playhead } = this.#options;
    let next: number | null = null;
    while (!signal.aborted) {
      const segment = this.#nextSegment(next);
      if (segment === null) {
        if (this.#playlist !== null && !this.#playlist.isLive) return;
        await this.#untilPlaylistChanges();
        continue;
      }
      // Until all tracks have something the play head stands at zero, wherever they begin.
      const isAhead = segment.startSeconds - playhead.positionSeconds > maxBufferSeconds;
      if (playhead.hasStarted && isAhead) {
        await abortableWait(bufferCheckMs, signal);
        continue;
      }
      next = (await this.#loadSegment(segment))
        ? segment.mediaSequenceNumber + 1
        : segment.mediaSequenceNumber;
    }
  }

  /** The segment with that number, the next one there is, or at first the starting point. */
  #nextSegment(number: number | null): MediaSegment | null {
    const playlist = this.#playlist;
    if (!playlist) return null;
    if (number !== null)
      return playlist.segments.find((each) => each.mediaSequenceNumber >= number) ?? null;
    const [first] = playlist.segments;
    const last = playlist.segments.at(-1);
    if (!first || !last) return null;
    if (!playlist.isLive)
      return (
        playlist.segments.find((each) => endSeconds(each) > this.#options.startAtSeconds) ?? null
      );
    const startSeconds = endSeconds(last) - liveSyncDurations * playlist.targetDurationSeconds;
    // A broadcast that has just begun: nearer to the edge every segment would come too late.
    if (startSeconds < first.startSeconds - 0.5) return null;
    return playlist.segments.find((each) => each.startSeconds >= startSeconds - 0.1) ?? last;
  }

  async #loadSegment(segment: MediaSegment): Promise<boolean> {
    const playlist = this.#playlist;
    const { track, delivery, playhead, signal, onSegment } = this.#options;
    if (!playlist) return false;
    try {
      for (const url of playlist.initUrls) await this.#loadInit(url);
      const { bytes, source } = await delivery.load(playlist.url, segment, signal);
      onSegment?.(segment, bytes, source);
      playhead.append(track, segment.startSeconds, endSeconds(segment), performance.now());
      return true;
    } catch {
      // As hls.js does: ask again a little later. What failed shows in the stall counters.
      await abortableWait(retryMs, signal);
      return false;
    }
  }

  async #loadInit(url: string): Promise<void> {
    if (this.#loadedInits.has(url)) return;
    await this.#options.delivery.loadFromCdn(url, null, this.#options.signal);
    this.#loadedInits.add(url);
  }

  #untilPlaylistChanges(): Promise<void> {
    return new Promise((resolve) => {
      this.#playlistChanged = resolve;
    });
  }
}

/** The text at `url`, `null` when it is not there or the viewer leaves. */
export async function fetchText(url: string, signal: AbortSignal): Promise<string | null> {
  try {
    const response = await globalThis.fetch(url, { signal });
    return response.ok ? await response.text() : null;
  } catch {
    return null;
  }
}
