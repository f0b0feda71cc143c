// The pictures above the seek bar: fetched when somebody first points at it, never before, from
// `thumbnails.vtt` beside the playlist. `media-requests.ts` asks it for the picture of a moment.

import { parseThumbnailTrack, type ThumbnailTrack, thumbnailAt } from './thumbnail-track.ts';

/** A live window moves on: the track is asked for again while somebody looks. */
const liveRefreshMs = 4_000;
const maxKnownSizes = 256;

export interface ThumbnailSource {
  readonly sourceUrl: string;
  readonly isLive: boolean;
  /** Capture time of the media's zero, see `Playback.zeroDateMs`. */
  readonly zeroDateMs: number | null;
}

export interface ThumbnailView {
  readonly imageUrl: string;
  readonly rectangle: readonly [number, number, number, number];
}

export class Thumbnails {
  readonly #sizes = new Map<string, readonly [number, number]>();
  #trackUrl = '';
  #track: ThumbnailTrack | null = null;
  /** A server without thumbnails is asked once. */
  #isMissing = false;
  #askedAtMs = Number.NEGATIVE_INFINITY;

  /**
   * The picture at a position of the media's timeline, `null` while there is none: what is not
   * loaded yet is there at one of the next moves of the pointer.
   */
  at(source: ThumbnailSource, positionSeconds: number, nowMs: number): ThumbnailView | null {
    this.#follow(source, nowMs);
    if (this.#track === null) return null;
    const cue = thumbnailAt(this.#track, positionSeconds - zeroSeconds(this.#track, source));
    if (cue === null) return null;
    if (cue.rectangle !== null) return { imageUrl: cue.imageUrl, rectangle: cue.rectangle };
    const size = this.#sizes.get(cue.imageUrl);
    if (size !== undefined) return { imageUrl: cue.imageUrl, rectangle: [0, 0, ...size] };
    this.#measure(cue.imageUrl);
    return null;
  }

  #follow({ sourceUrl, isLive }: ThumbnailSource, nowMs: number): void {
    const trackUrl = new URL('thumbnails.vtt', sourceUrl).href;
    if (trackUrl !== this.#trackUrl) {
      this.#trackUrl = trackUrl;
      this.#track = null;
      this.#isMissing = false;
      this.#askedAtMs = Number.NEGATIVE_INFINITY;
    }
    const isDue = this.#askedAtMs === Number.NEGATIVE_INFINITY || isLive;
    if (this.#isMissing || !isDue || nowMs - this.#askedAtMs < liveRefreshMs) return;
    this.#askedAtMs = nowMs;
    void this.#load(trackUrl);
  }

  /** Never rejects: without pictures the bar shows the time. */
  async #load(trackUrl: string): Promise<void> {
    try {
      const response = await fetch(trackUrl);
      const track = response.ok ? parseThumbnailTrack(await response.text(), trackUrl) : null;
      if (trackUrl !== this.#trackUrl) return;
      this.#track = track ?? this.#track;
      this.#isMissing = this.#track === null;
    } catch {
      // Unreachable or no CORS.
      if (trackUrl === this.#trackUrl) this.#isMissing = this.#track === null;
    }
  }

  /** media-chrome wants the rectangle of every picture, also of whole ones. */
  #measure(imageUrl: string): void {
    if (this.#sizes.size >= maxKnownSizes) this.#sizes.clear();
    const image = new Image();
    image.crossOrigin = 'anonymous';
    image.onload = () => this.#sizes.set(imageUrl, [image.naturalWidth, image.naturalHeight]);
    image.src = imageUrl;
  }
}

/** Where the track's zero lies on the media's timeline. */
function zeroSeconds(track: ThumbnailTrack, source: ThumbnailSource): number {
  if (track.zeroDateMs === null || source.zeroDateMs === null) return 0;
  return (track.zeroDateMs - source.zeroDateMs) / 1_000;
}
