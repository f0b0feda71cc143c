// Pure: what a `moof` box says about its fragment: when it starts, how long it is and whether a
// decoder can begin with it (ISO/IEC 14496-12 §8.8). The packager joins fragments to segments.

import { BoxFormatError } from './box-splitter.ts';
import { type BoxView, childrenOf, fullBoxFlags, onlyChild, viewOf } from './box-view.ts';
import type { InitDescription, TrackDescription } from './init-section.ts';

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

interface SampleDefaults {
  readonly durationTicks: number;
  readonly flags: number;
}

/** The defaults of a track fragment header (§8.8.7), behind its optional fields. */
function readDefaults(tfhd: BoxView): SampleDefaults {
  const { flags } = fullBoxFlags(tfhd);
  let offset = 8;
  if ((flags & 0x1) !== 0) offset += 8;
  if ((flags & 0x2) !== 0) offset += 4;
  let durationTicks = 0;
  if ((flags & 0x8) !== 0) {
    durationTicks = tfhd.content.getUint32(offset);
    offset += 4;
  }
  if ((flags & 0x10) !== 0) offset += 4;
  return { durationTicks, flags: (flags & 0x20) === 0 ? 0 : tfhd.content.getUint32(offset) };
}

interface RunTotals {
  readonly durationTicks: number;
  readonly sampleCount: number;
  readonly firstFlags: number;
}

/** A track run (§8.8.8): how many samples, how long together, and the flags of the first. */
function readRun(trun: BoxView, defaults: SampleDefaults): RunTotals {
  const { flags } = fullBoxFlags(trun);
  const sampleCount = trun.content.getUint32(4);
  let offset = 8;
  let firstFlags = defaults.flags;
  if ((flags & 0x1) !== 0) offset += 4;
  if ((flags & 0x4) !== 0) {
    firstFlags = trun.content.getUint32(offset);
    offset += 4;
  }
  const [hasDuration, hasSize, hasFlags, hasOffset] = [0x100, 0x200, 0x400, 0x800].map(
    (bit) => (flags & bit) !== 0,
  );
  const stride = 4 * [hasDuration, hasSize, hasFlags, hasOffset].filter(Boolean).length;
  if (offset + sampleCount * stride > trun.content.byteLength) {
    throw new BoxFormatError('a track run ends before its samples');
  }
  if (hasFlags && sampleCount > 0) {
    firstFlags = trun.content.getUint32(offset + (hasDuration ? 4 : 0) + (hasSize ? 4 : 0));
  }
  let durationTicks = hasDuration ? 0 : sampleCount * defaults.durationTicks;
  for (let index = 0; hasDuration && index < sampleCount; index += 1) {
    durationTicks += trun.content.getUint32(offset + index * stride);
  }
  return { durationTicks, sampleCount, firstFlags };
}

function readTrackFragment(traf: BoxView, init: InitDescription): Run | null {
  const tfhd = onlyChild(traf, 'tfhd');
  const trackId = tfhd.content.getUint32(4);
  const track = init.tracks.find((candidate) => candidate.trackId === trackId);
  if (track === undefined) return null;
  const tfdt = onlyChild(traf, 'tfdt');
  const startTicks =
    fullBoxFlags(tfdt).version === 1
      ? Number(tfdt.content.getBigUint64(4))
      : tfdt.content.getUint32(4);
  const defaults = readDefaults(tfhd);
  const runs = childrenOf(traf)
    .filter(({ type }) => type === 'trun')
    .map((trun) => readRun(trun, defaults));
  return {
    track,
    startTicks,
    durationTicks: runs.reduce((sum, run) => sum + run.durationTicks, 0),
    sampleCount: runs.reduce((sum, run) => sum + run.sampleCount, 0),
    firstFlags: runs[0]?.firstFlags ?? nonSyncFlag,
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
      .map((traf) => readTrackFragment(traf, init))
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
