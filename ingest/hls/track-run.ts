// Pure: the samples that a track fragment lists: how long, how large, and with which flags
// (ISO/IEC 14496-12 §8.8.7, §8.8.8). Fragments are described with it, sound is cut by it.

import { BoxFormatError } from './box-splitter.ts';
import { type BoxView, childrenOf, fullBoxFlags, onlyChild } from './box-view.ts';

export interface ListedSample {
  readonly durationTicks: number;
  readonly sizeBytes: number;
  readonly flags: number;
}

export interface TrackRun {
  /** Where its first sample lies, counted from the start of the `moof`; `null` when not told. */
  readonly dataOffset: number | null;
  readonly samples: readonly ListedSample[];
}

/** More than any fragment of a live stream has. */
const maxSamples = 1_000_000;

export interface TrackFragment {
  readonly trackId: number;
  readonly startTicks: number;
  readonly runs: readonly TrackRun[];
}

/** The defaults of a track fragment header (§8.8.7), behind its optional fields. */
function readDefaults(tfhd: BoxView): ListedSample {
  const { flags } = fullBoxFlags(tfhd);
  let offset = 8;
  if ((flags & 0x1) !== 0) offset += 8;
  if ((flags & 0x2) !== 0) offset += 4;
  const read = (bit: number): number => {
    if ((flags & bit) === 0) return 0;
    offset += 4;
    return tfhd.content.getUint32(offset - 4);
  };
  const [durationTicks, sizeBytes] = [read(0x8), read(0x10)];
  return { durationTicks, sizeBytes, flags: read(0x20) };
}

/** A track run (§8.8.8): what it does not say of a sample, the defaults do. */
function readRun(trun: BoxView, defaults: ListedSample): TrackRun {
  const { flags } = fullBoxFlags(trun);
  const has = (bit: number): boolean => (flags & bit) !== 0;
  const sampleCount = trun.content.getUint32(4);
  let offset = 8;
  const read = (isThere: boolean, otherwise: number): number => {
    if (!isThere) return otherwise;
    offset += 4;
    return trun.content.getUint32(offset - 4);
  };
  const dataOffset = has(0x1) ? read(true, 0) : null;
  const firstFlags = read(has(0x4), defaults.flags);
  const fieldCount = [0x100, 0x200, 0x400, 0x800].filter(has).length;
  if (offset + sampleCount * 4 * fieldCount > trun.content.byteLength) {
    throw new BoxFormatError('a track run ends before its samples');
  }
  const samples: ListedSample[] = [];
  // Samples without a field of their own take no room: their number may be anything.
  if (sampleCount > maxSamples) throw new BoxFormatError(`a run of ${sampleCount} samples`);
  for (let index = 0; index < sampleCount; index += 1) {
    const durationTicks = read(has(0x100), defaults.durationTicks);
    const sizeBytes = read(has(0x200), defaults.sizeBytes);
    const sampleFlags = read(has(0x400), index === 0 ? firstFlags : defaults.flags);
    read(has(0x800), 0);
    samples.push({ durationTicks, sizeBytes, flags: sampleFlags });
  }
  return { dataOffset, samples };
}

/** @throws BoxFormatError or RangeError when it is damaged */
export function readTrackFragment(traf: BoxView): TrackFragment {
  const tfhd = onlyChild(traf, 'tfhd');
  const tfdt = onlyChild(traf, 'tfdt');
  const startTicks =
    fullBoxFlags(tfdt).version === 1
      ? Number(tfdt.content.getBigUint64(4))
      : tfdt.content.getUint32(4);
  const defaults = readDefaults(tfhd);
  const runs = childrenOf(traf)
    .filter(({ type }) => type === 'trun')
    .map((trun) => readRun(trun, defaults));
  return { trackId: tfhd.content.getUint32(4), startTicks, runs };
}
