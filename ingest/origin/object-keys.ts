// Pure: under which keys the store holds what. Media of live streams and of recordings are the
// same objects; the origin server maps both kinds of URL to them.

import type { RecordingId, RenditionName, StreamId } from '../protocol/index.ts';

/** Everything of one broadcast that clients read; ends with a slash. */
export function mediaPrefix(stream: StreamId, recording: RecordingId): string {
  return `media/${stream}/${recording}/`;
}

/** A segment, an init section or the recorded media playlist of a rendition. */
export function mediaKey(
  place: { readonly stream: StreamId; readonly recording: RecordingId },
  rendition: RenditionName,
  name: string,
): string {
  return `${mediaPrefix(place.stream, place.recording)}${rendition}/${name}`;
}

/** The multivariant playlist of a finished recording. */
export function recordedPlaylistKey(stream: StreamId, recording: RecordingId): string {
  return `${mediaPrefix(stream, recording)}index.m3u8`;
}

/** The first picture of a broadcast, as JPEG. */
export function posterKey(stream: StreamId, recording: RecordingId): string {
  return `${mediaPrefix(stream, recording)}poster.jpg`;
}

/** The thumbnails of a broadcast; ends with a slash. */
export function thumbnailPrefix(stream: StreamId, recording: RecordingId): string {
  return `${mediaPrefix(stream, recording)}thumbnails/`;
}

/** A small picture of the first frame of a segment, as JPEG. */
export function thumbnailKey(
  place: { readonly stream: StreamId; readonly recording: RecordingId },
  sequenceNumber: number,
): string {
  return `${thumbnailPrefix(place.stream, place.recording)}${sequenceNumber}.jpg`;
}

/** The numbers of the segments that have one, in order, from the keys under their prefix. */
export function thumbnailNumbers(keys: readonly string[]): readonly number[] {
  const numbers = keys.map((key) => /\/thumbnails\/(\d{1,15})\.jpg$/.exec(key)?.[1]);
  return numbers
    .flatMap((number) => (number === undefined ? [] : Number(number)))
    .toSorted((a, b) => a - b);
}

/** What names the thumbnails of a finished recording. */
export function recordedThumbnailTrackKey(stream: StreamId, recording: RecordingId): string {
  return `${mediaPrefix(stream, recording)}thumbnails.vtt`;
}

export const recordingsPrefix = 'recordings/';
export const checkpointsPrefix = 'checkpoints/';

/** What the list of recordings says about one. */
export function recordingKey(stream: StreamId, recording: RecordingId): string {
  return `${recordingsPrefix}${stream}/${recording}.json`;
}

/** The checkpoints of one broadcast, to finish its recording after a crash; ends with a slash. */
export function checkpointPrefix(stream: StreamId, recording: RecordingId): string {
  return `${checkpointsPrefix}${stream}/${recording}/`;
}

/** One checkpoint: what was listed since the one before. Keys sort in the order of the parts. */
export function checkpointKey(stream: StreamId, recording: RecordingId, part: number): string {
  return `${checkpointPrefix(stream, recording)}${String(part).padStart(8, '0')}.json`;
}
