// Pure: which thumbnails a live stream or a recording shows, and when. The presentation and the
// recording archive know the segments; the origin serves the text.

import type { ListedSegment } from '../hls/media-playlist.ts';
import { formatThumbnailTrack } from '../hls/thumbnail-track.ts';
import type { RecordingId } from '../protocol/index.ts';
import type { RecordingDescription } from './recording-description.ts';

/** A picture of the first frame of a segment. */
export interface Thumbnail {
  readonly sequenceNumber: number;
  readonly programDateTimeMs: number;
}

export interface LiveThumbnails {
  readonly recording: RecordingId;
  /** In order; also some that have just left the window. */
  readonly thumbnails: readonly Thumbnail[];
  /** Capture time of the first thumbnail of the broadcast. */
  readonly zeroTimeMs: number;
  /** The live window. */
  readonly segments: readonly ListedSegment[];
}

/** Times count from the broadcast's first thumbnail; `null` when the window has no thumbnail. */
export function liveThumbnailTrack(live: LiveThumbnails): string | null {
  const { recording, thumbnails, zeroTimeMs, segments } = live;
  const last = segments.at(-1);
  if (last === undefined || thumbnails.length === 0) return null;
  const secondsOf = (timeMs: number): number => (timeMs - zeroTimeMs) / 1000;
  return formatThumbnailTrack({
    zeroTimeMs,
    // A broadcast may end and begin anew: the recording in the path keeps a URL's meaning.
    cues: thumbnails.map(({ sequenceNumber, programDateTimeMs }) => ({
      uri: `thumbnails/${recording}/${sequenceNumber}.jpg`,
      startSeconds: secondsOf(programDateTimeMs),
    })),
    endSeconds: secondsOf(last.programDateTimeMs) + last.durationSeconds,
  });
}

/**
 * Times are those of the recording's playlist, which knows no gaps; `null` without thumbnails.
 * @param sequenceNumbers segments that have one, in order
 */
export function recordedThumbnailTrack(
  { renditions }: RecordingDescription,
  sequenceNumbers: readonly number[],
): string | null {
  if (sequenceNumbers.length === 0) return null;
  const longest = renditions.toSorted((a, b) => b.segments.length - a.segments.length)[0];
  const startSeconds = new Map<number, number>();
  let endSeconds = 0;
  for (const { sequenceNumber, durationSeconds } of longest?.segments ?? []) {
    startSeconds.set(sequenceNumber, endSeconds);
    endSeconds += durationSeconds;
  }
  const cues = sequenceNumbers.flatMap((number) => {
    const start = startSeconds.get(number);
    return start === undefined ? [] : [{ uri: `thumbnails/${number}.jpg`, startSeconds: start }];
  });
  return formatThumbnailTrack({ cues, endSeconds, zeroTimeMs: null });
}
