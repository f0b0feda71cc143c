// Pure: which renditions a source gets from the configured ladder. Called by the transcoder when
// the first keyframe tells the source's size; ffmpeg's arguments and the playlists follow from it.

import { type LadderRung, soundRenditionName } from '../environment.ts';

/** The encoded picture of a rendition; both sides are even. */
export interface VideoRendition {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly bitrateBps: number;
}

/** One encoding of the broadcast: of its pictures or of its sound, which all viewers share. */
export interface Rendition {
  readonly name: string;
  /** `null` for the sound. */
  readonly video: VideoRendition | null;
  /** `null` for pictures. */
  readonly audioBitrateBps: number | null;
  /** The publisher's own pictures wherever they can be passed through as they are. */
  readonly isSource?: boolean;
}

export interface SourceSize {
  readonly widthPx: number;
  readonly heightPx: number;
}

/** What is known of the source at the start. `size` is `null` when there is no picture. */
export interface Source {
  readonly size: SourceSize | null;
  readonly hasAudio: boolean;
  /** Whether its pictures can go to viewers as they are. */
  readonly isPassable?: boolean;
}

/** x264 with 4:2:0 chroma needs even sides. */
function even(lengthPx: number): number {
  return Math.max(2, Math.round(lengthPx / 2) * 2);
}

function evenDown(lengthPx: number): number {
  return Math.max(2, Math.floor(lengthPx / 2) * 2);
}

function shorterSide(size: SourceSize): number {
  return Math.min(size.widthPx, size.heightPx);
}

/** The source scaled so that its shorter side is `targetPx`; never larger than the source. */
function scaledTo(source: SourceSize, targetPx: number): SourceSize {
  const scale = targetPx / shorterSide(source);
  return {
    widthPx: Math.min(even(source.widthPx * scale), evenDown(source.widthPx)),
    heightPx: Math.min(even(source.heightPx * scale), evenDown(source.heightPx)),
  };
}

/** Bits per picture element and second of encodings that look alike, as in the ladder's presets. */
const bitsPerPixel = 2.7;

/** The source's own pictures, or an encoding of about the same quality and at most its size. */
function sourceRendition(rung: LadderRung, size: SourceSize, source: Source): Rendition {
  const largestPx = Math.min(rung.widthPx, rung.heightPx);
  const fitted =
    source.isPassable === true ? size : scaledTo(size, Math.min(shorterSide(size), largestPx));
  const wantedBps = Math.round(fitted.widthPx * fitted.heightPx * bitsPerPixel);
  const bitrateBps = Math.min(rung.videoBitrateBps, wantedBps);
  const video = { ...fitted, bitrateBps };
  return { name: rung.name, video, audioBitrateBps: null, isSource: true };
}

/** The sound at the best of the bit rates that its rungs name. */
function soundOf(rungs: readonly LadderRung[]): Rendition {
  const audioBitrateBps = Math.max(...rungs.map((rung) => rung.audioBitrateBps));
  return { name: soundRenditionName, video: null, audioBitrateBps };
}

/** The pictures, highest first, and the rung of each. */
function picturesOf(
  rungs: readonly LadderRung[],
  size: SourceSize,
  source: Source,
): readonly (readonly [LadderRung, Rendition])[] {
  const byHeight = rungs.toSorted(
    (a, b) =>
      Math.min(b.widthPx, b.heightPx) - Math.min(a.widthPx, a.heightPx) ||
      b.videoBitrateBps - a.videoBitrateBps,
  );
  const sourceRung = byHeight.find(({ isSource }) => isSource === true);
  const smallest = byHeight.at(-1);
  if (smallest === undefined) throw new RangeError('the ladder has no rung');
  const render = (rung: LadderRung, fitted: SourceSize) => {
    const video = { ...fitted, bitrateBps: rung.videoBitrateBps };
    return [rung, { name: rung.name, video, audioBitrateBps: null }] as const;
  };
  const fitting = byHeight.filter(
    (rung) => rung !== sourceRung && Math.min(rung.widthPx, rung.heightPx) <= shorterSide(size),
  );
  const scaled = (list: readonly LadderRung[]) =>
    list.map((rung) => render(rung, scaledTo(size, Math.min(rung.widthPx, rung.heightPx))));
  if (sourceRung !== undefined) {
    const top = sourceRendition(sourceRung, size, source);
    const topPx = shorterSide(top.video ?? size);
    const smaller = fitting.filter((rung) => Math.min(rung.widthPx, rung.heightPx) < topPx);
    return [[sourceRung, top], ...scaled(smaller)];
  }
  if (fitting.length > 0) return scaled(fitting);
  const whole = { widthPx: evenDown(size.widthPx), heightPx: evenDown(size.heightPx) };
  return [render(smallest, whole)];
}

/**
 * The renditions of a source: its pictures, highest first, then its sound. Rungs larger than the
 * source are left out, the aspect ratio is the source's, and a rung's height means the shorter
 * side, so that portrait sources get the quality that the rung's name promises. When every rung is
 * larger than the source, the smallest one is kept at the source's size. Where the source itself is
 * a rendition, only smaller ones stand below it.
 * @throws RangeError without a rung, or for a source with neither picture nor sound
 */
export function fitLadder(rungs: readonly LadderRung[], source: Source): readonly Rendition[] {
  const { size, hasAudio } = source;
  if (size === null) {
    if (!hasAudio) throw new RangeError('the source has neither picture nor sound');
    if (rungs.length === 0) throw new RangeError('the ladder has no rung');
    return [soundOf(rungs)];
  }
  const pictures = picturesOf(rungs, size, source);
  const renditions = pictures.map(([, rendition]) => rendition);
  return hasAudio ? [...renditions, soundOf(pictures.map(([rung]) => rung))] : renditions;
}
