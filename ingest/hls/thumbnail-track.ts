// Pure: the WebVTT track (https://www.w3.org/TR/webvtt1/) whose cues name a picture for each stretch
// of a broadcast. The origin serves it; players show the pictures above their seek bar.

export interface ThumbnailCue {
  /** Relative to the track. */
  readonly uri: string;
  readonly startSeconds: number;
}

export interface ThumbnailTrack {
  /** In order. */
  readonly cues: readonly ThumbnailCue[];
  /** Where the last cue ends. */
  readonly endSeconds: number;
  /**
   * Capture time of zero, for live streams: a player knows its own zero by EXT-X-PROGRAM-DATE-TIME.
   * `null` for recordings, whose zero is the start of their playlist.
   */
  readonly zeroTimeMs: number | null;
}

/** `hh:mm:ss.ttt`, hours with as many digits as they need. */
function timestamp(seconds: number): string {
  const totalMs = Math.max(0, Math.round(seconds * 1000));
  const pad = (value: number, digits: number): string => String(value).padStart(digits, '0');
  const hours = pad(Math.floor(totalMs / 3_600_000), 2);
  const minutes = pad(Math.floor(totalMs / 60_000) % 60, 2);
  const rest = `${pad(Math.floor(totalMs / 1_000) % 60, 2)}.${pad(totalMs % 1_000, 3)}`;
  return `${hours}:${minutes}:${rest}`;
}

/** The track's text; each cue lasts until the next one. */
export function formatThumbnailTrack({ cues, endSeconds, zeroTimeMs }: ThumbnailTrack): string {
  // A line of the header, as HLS has X-TIMESTAMP-MAP there: parsers that do not know it skip it.
  const header =
    zeroTimeMs === null
      ? 'WEBVTT'
      : `WEBVTT\nX-PROGRAM-DATE-TIME=${new Date(zeroTimeMs).toISOString()}`;
  const blocks = cues.flatMap(({ uri, startSeconds }, index) => {
    const untilSeconds = cues[index + 1]?.startSeconds ?? endSeconds;
    if (untilSeconds <= startSeconds) return [];
    return [`${timestamp(startSeconds)} --> ${timestamp(untilSeconds)}\n${uri}`];
  });
  return `${[header, ...blocks].join('\n\n')}\n`;
}
