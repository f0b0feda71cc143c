// Reads a WebVTT track whose cues name a picture for each stretch of a video, as a file of its own
// or as a rectangle of one (`#xywh=`). Pure; `thumbnails.ts` fetches the track and the pictures.

export interface ThumbnailCue {
  readonly startSeconds: number;
  readonly endSeconds: number;
  /** Absolute, without its fragment. */
  readonly imageUrl: string;
  /** Left, top, width and height in pixels of the picture; `null` is all of it. */
  readonly rectangle: readonly [number, number, number, number] | null;
}

export interface ThumbnailTrack {
  /** In order of their start. */
  readonly cues: readonly ThumbnailCue[];
  /** Capture time in Unix milliseconds of the track's zero; `null` is the start of the media. */
  readonly zeroDateMs: number | null;
}

const maxCues = 20_000;
const timePattern = /^(?:(\d+):)?(\d{2}):(\d{2}\.\d{3})$/;
const dateHeaderPattern = /^X-PROGRAM-DATE-TIME[=:]\s*(\S+)/m;
const rectanglePattern = /^#xywh=(?:pixel:)?(\d+),(\d+),(\d+),(\d+)$/;

/** What cannot be read is left out; text that is no WebVTT has no cues. */
export function parseThumbnailTrack(text: string, trackUrl: string): ThumbnailTrack {
  const blocks = text.replace(/\r\n?/g, '\n').split(/\n{2,}/);
  const header = blocks.shift() ?? '';
  if (!header.startsWith('WEBVTT')) return { cues: [], zeroDateMs: null };
  const zeroDateMs = Date.parse(dateHeaderPattern.exec(header)?.[1] ?? '');
  const cues = blocks.slice(0, maxCues).flatMap((block) => parseCue(block, trackUrl));
  return {
    cues: cues.sort((a, b) => a.startSeconds - b.startSeconds),
    zeroDateMs: Number.isNaN(zeroDateMs) ? null : zeroDateMs,
  };
}

/** The picture for a moment: the last one that has begun, the first one before all of them. */
export function thumbnailAt(track: ThumbnailTrack, seconds: number): ThumbnailCue | null {
  return (
    track.cues.findLast(({ startSeconds }) => startSeconds <= seconds) ?? track.cues[0] ?? null
  );
}

function parseCue(block: string, trackUrl: string): ThumbnailCue[] {
  const lines = block.split('\n').filter((line) => line !== '');
  const timing = lines.findIndex((line) => line.includes('-->'));
  const [start = '', , end = ''] = lines[timing]?.split(/\s+/) ?? [];
  const startSeconds = parseTime(start);
  const endSeconds = parseTime(end);
  const target = lines[timing + 1];
  if (startSeconds === null || endSeconds === null || target === undefined) return [];
  if (!URL.canParse(target, trackUrl)) return [];
  const url = new URL(target, trackUrl);
  const rectangle = parseRectangle(url.hash);
  url.hash = '';
  return [{ startSeconds, endSeconds, imageUrl: url.href, rectangle }];
}

function parseTime(text: string): number | null {
  const match = timePattern.exec(text);
  if (match === null) return null;
  return Number(match[1] ?? 0) * 3_600 + Number(match[2]) * 60 + Number(match[3]);
}

function parseRectangle(hash: string): ThumbnailCue['rectangle'] {
  const match = rectanglePattern.exec(hash);
  if (match === null) return null;
  return [Number(match[1]), Number(match[2]), Number(match[3]), Number(match[4])];
}
