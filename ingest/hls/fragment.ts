// Pure: what a `moof` box says about its fragment: when it starts, how long it is and whether a
// decoder can begin with it (ISO/IEC 14496-12 §8.8). The packager joins fragments to segments.

import { BoxFormatError } from './box-splitter.ts';
import { childrenOf, viewOf } from './box-view.ts';
import type { InitDescription, TrackDescription } from './init-section.ts';
import { readTrackFragment, type TrackFragment } from './track-run.ts';

export interface FragmentDescription {
  /** On the rendition's media timeline; that of the pictures, or of the sound where there are none. */
  readonly startSeconds: number;
  readonly durationSeconds: number;
  /** Whether it starts with a keyframe; always so without a video track. */
  readonly isSync: boolean;
  /** Number of pictures. */
  readonly frameCount: number;
}

/** ISO/IEC 14496-12 §8.8.3.1: the sample is not a sync sample. */
const nonSyncFlag = 0x10000;

interface Run {
  readonly track: TrackDescription;
  readonly startTicks: number;
  readonly durationTicks: number;
  readonly sampleCount: number;
  readonly firstFlags: number;
}

function totalsOf({ trackId, startTicks, runs }: TrackFragment, init: InitDescription): Run | null {
  const track = init.tracks.find((candidate) => candidate.trackId === trackId);
  if (track === undefined) return null;
  const samples = runs.flatMap((run) => run.samples);
  return {
    ...{ track, startTicks },
    durationTicks: samples.reduce((sum, { durationTicks }) => sum + durationTicks, 0),
    sampleCount: samples.length,
    firstFlags: samples[0]?.flags ?? nonSyncFlag,
  };
}

/**
 * Reads a `moof` box; `null` for one without any sample.
 * @throws BoxFormatError when it is damaged
 */
export function describeFragment(
  moof: Uint8Array,
  init: InitDescription,
): FragmentDescription | null {
  try {
    const runs = childrenOf(viewOf(moof))
      .filter(({ type }) => type === 'traf')
      .map((traf) => totalsOf(readTrackFragment(traf), init))
      .filter((run) => run !== null)
      .filter((run) => run.sampleCount > 0);
    const pictures = runs.find(({ track }) => track.kind === 'video');
    const leading = pictures ?? runs[0];
    if (leading === undefined) return null;
    const hasVideoTrack = init.tracks.some(({ kind }) => kind === 'video');
    return {
      startSeconds: leading.startTicks / leading.track.timescale,
      durationSeconds: leading.durationTicks / leading.track.timescale,
      isSync: hasVideoTrack
        ? pictures !== undefined && (pictures.firstFlags & nonSyncFlag) === 0
        : true,
      frameCount: pictures?.sampleCount ?? 0,
    };
  } catch (error) {
    if (error instanceof RangeError) {
      throw new BoxFormatError(`a fragment is damaged: ${error.message}`);
    }
    throw error;
  }
}
