// Where the origin serves what. Segments carry their recording in the path, so that a URL never
// changes meaning when a stream is broadcast again and may be cached for ever.

import type { RecordingId, RenditionName, StreamId } from './ids.ts';

/** Path of a live stream's multivariant playlist. */
export function livePlaylistPath(stream: StreamId): string {
  return `/live/${stream}/index.m3u8`;
}

/** Path of a live rendition's media playlist. */
export function liveMediaPlaylistPath(stream: StreamId, rendition: RenditionName): string {
  return `/live/${stream}/${rendition}/index.m3u8`;
}

/** Path of a recording's multivariant playlist. */
export function recordingPlaylistPath(stream: StreamId, recording: RecordingId): string {
  return `/vod/${stream}/${recording}/index.m3u8`;
}

/** Path of a recording's poster, a JPEG. */
export function recordingPosterPath(stream: StreamId, recording: RecordingId): string {
  return `/vod/${stream}/${recording}/poster.jpg`;
}

/**
 * Path of the WebVTT track of a live stream's thumbnails. Zero of its cues is the date in the
 * header line `X-PROGRAM-DATE-TIME`.
 */
export function liveThumbnailsPath(stream: StreamId): string {
  return `/live/${stream}/thumbnails.vtt`;
}

/** Path of the WebVTT track of a recording's thumbnails; zero is the start of its playlist. */
export function recordingThumbnailsPath(stream: StreamId, recording: RecordingId): string {
  return `/vod/${stream}/${recording}/thumbnails.vtt`;
}

/** Name of a segment relative to its rendition, live: `{recording}/{media sequence number}.m4s`. */
export function segmentName(mediaSequenceNumber: number): string {
  return `${mediaSequenceNumber}.m4s`;
}

/** Name of an init section; `generation` counts the encoder's configurations within a recording. */
export function initSectionName(generation: number): string {
  return `init-${generation}.mp4`;
}

/** The stream's name in the URL of one of its live playlists or segments, or `null`. */
export function streamOfLiveUrl(url: string): string | null {
  return /\/live\/([a-z0-9][a-z0-9_-]{0,62})\//.exec(url)?.[1] ?? null;
}
