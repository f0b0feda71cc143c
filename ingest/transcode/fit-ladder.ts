// Pure: which renditions a source gets from the configured ladder. Called by the transcoder when
// the first keyframe tells the source's size; ffmpeg's arguments and the playlists follow from it.

import type { LadderRung } from '../environment.ts';

/** The encoded picture of a rendition; both sides are even. */
export interface VideoRendition {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly bitrateBps: number;
}

/** One encoding of the broadcast. At least one of `video` and the audio bit rate is set. */
export interface Rendition {
  readonly name: string;
  readonly video: VideoRendition | null;
  /** `null` when the broadcast has no sound. */
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
  const audioBitrateBps = source.hasAudio ? rung.audioBitrateBps : null;
  const largestPx = Math.min(rung.widthPx, rung.heightPx);
  const fitted =
    source.isPassable === true ? size : scaledTo(size, Math.min(shorterSide(size), largestPx));
  const wantedBps = Math.round(fitted.widthPx * fitted.heightPx * bitsPerPixel);
  const bitrateBps = Math.min(rung.videoBitrateBps, wantedBps);
  return { name: rung.name, video: { ...fitted, bitrateBps }, audioBitrateBps, isSource: true };
}

/**
 * The renditions of a source, highest first. Rungs larger than the source are left out, the aspect
 * ratio is the source's, and a rung's height means the shorter side, so that portrait sources get
 * the quality that the rung's name promises. When every rung is larger than the source, the
 * smallest one is kept at the source's size. Without a picture there is one rendition, `audio`.
 * Where the source itself is a rendition, only smaller ones stand below it.
 * @throws RangeError without a rung, or for a source with neither picture nor sound
 */
export function fitLadder(rungs: readonly LadderRung[], source: Source): readonly Rendition[] {
  const byHeight = rungs.toSorted(
    (a, b) =>
      Math.min(b.widthPx, b.heightPx) - Math.min(a.widthPx, a.heightPx) ||
      b.videoBitrateBps - a.videoBitrateBps,
  );
  const sourceRung = byHeight.find(({ isSource }) => isSource === true);
  const encoded = byHeight.filter((rung) => rung !== sourceRung);
  const smallest = byHeight.at(-1);
  if (smallest === undefined) throw new RangeError('the ladder has no rung');
  const { size, hasAudio } = source;
  if (size === null) {
    if (!hasAudio) throw new RangeError('the source has neither picture nor sound');
    const audioBitrateBps = Math.max(...rungs.map((rung) => rung.audioBitrateBps));
    return [{ name: 'audio', video: null, audioBitrateBps }];
  }
  const render = (rung: LadderRung, fitted: SourceSize): Rendition => ({
    name: rung.name,
    video: { ...fitted, bitrateBps: rung.videoBitrateBps },
    audioBitrateBps: hasAudio ? rung.audioBitrateBps : null,
  });
  const fitting = encoded.filter(
    (rung) => Math.min(rung.widthPx, rung.heightPx) <= shorterSide(size),
  );
  if (sourceRung !== undefined) {
    const top = sourceRendition(sourceRung, size, source);
    const topPx = shorterSide(top.video ?? size);
    const smaller = fitting.filter((rung) => Math.min(rung.widthPx, rung.heightPx) < topPx);
    return [
      top,
      ...smaller.map((rung) => render(rung, scaledTo(size, Math.min(rung.widthPx, rung.heightPx)))),
    ];
  }
  if (fitting.length === 0) {
    return [
      render(smallest, { widthPx: evenDown(size.widthPx), heightPx: evenDown(size.heightPx) }),
    ];
  }
  return fitting.map((rung) => render(rung, scaledTo(size, Math.min(rung.widthPx, rung.heightPx))));
}
