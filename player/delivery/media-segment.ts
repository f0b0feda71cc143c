// Segments and media playlists as delivery sees them: hls.js's fragments and a headless viewer's
// playlist lines both become these, so that everything below works in the browser and in Node.

import type { PieceRoot, Sha256Hex } from '@shoal/ingest/protocol';

export interface MediaSegment {
  /** Absolute URL, which also identifies the segment: the origin never reuses one. */
  readonly url: string;
  readonly mediaSequenceNumber: number;
  /** Position on this viewer's media timeline. */
  readonly startSeconds: number;
  readonly durationSeconds: number;
  /** From the playlist; a segment without one is never exchanged with peers. */
  readonly digest: Sha256Hex | null;
  /** From the playlist, where the origin offers pieces; only the newest segments have it. */
  readonly pieces: PieceRoot | null;
}

/** What a playlist brings: the pictures, with or without sound, or the sound apart from them. */
export type MediaTrack = 'main' | 'audio';

/**
 * What the multivariant playlist says of a rendition, as hls.js reads it. p2p-media-loader names its
 * swarms by it, so all players of a stream have to say the same.
 */
export interface RenditionAttributes {
  /** `BANDWIDTH`; 0 for sound apart from the pictures. */
  readonly bitrate: number;
  /** Of the pictures, or of the sound apart from them. */
  readonly codecs?: string | null;
  readonly width?: number | null;
  readonly height?: number | null;
  readonly frameRate?: string | null;
  readonly videoRange?: string | null;
  readonly language?: string | null;
  readonly channels?: string | null;
  readonly name?: string | null;
}

export interface RenditionPlaylist {
  readonly track: MediaTrack;
  /** Absent where there is no multivariant playlist. */
  readonly attributes?: RenditionAttributes | undefined;
  /** Absolute URL of the media playlist without its query: identifies the rendition. */
  readonly url: string;
  readonly isLive: boolean;
  readonly targetDurationSeconds: number;
  /** Oldest first. */
  readonly segments: readonly MediaSegment[];
}

/** End of a segment on this viewer's media timeline, in seconds. */
export function endSeconds(segment: MediaSegment): number {
  return segment.startSeconds + segment.durationSeconds;
}

/** The playlist URL without query and fragment, which may carry a viewer's token. */
export function withoutQuery(url: string): string {
  const end = url.search(/[?#]/);
  return end === -1 ? url : url.slice(0, end);
}

/**
 * What a URL names whichever CDN it comes from: content steering and failover change the host, not
 * the path. URLs that are none stay as they are.
 */
export function pathOf(url: string): string {
  return withoutQuery(url).replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, '');
}

/** What people call the rendition: the folder of its playlist, for example `720p`. */
export function renditionName(playlistUrl: string): string {
  const parts = withoutQuery(playlistUrl).split('/');
  return parts.at(-2) ?? '';
}
