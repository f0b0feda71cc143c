// Pure: frames of sound ↔ fragments of MP4 (ISO/IEC 14496-12 §8.8): taken out of ffmpeg's, which are
// short, and written as one per segment. The sound packager cuts by frames with it.

import { BoxFormatError } from './box-splitter.ts';
import { childrenOf, viewOf } from './box-view.ts';
import { joinBytes } from './join-bytes.ts';
import { readTrackFragment } from './track-run.ts';

/** One frame of an audio codec. */
export interface SoundFrame {
  readonly startTicks: number;
  readonly durationTicks: number;
  readonly bytes: Uint8Array;
}

export interface SoundFragment {
  readonly trackId: number;
  /** Counts the fragments of a track from 1. */
  readonly sequenceNumber: number;
  /** One after the other; at least one. */
  readonly frames: readonly SoundFrame[];
}

/**
 * The frames of one track in a fragment.
 * @throws BoxFormatError when it is damaged
 */
export function readSoundFrames(
  moof: Uint8Array,
  mdat: Uint8Array,
  trackId: number,
): readonly SoundFrame[] {
  try {
    const fragments = childrenOf(viewOf(moof))
      .filter(({ type }) => type === 'traf')
      .map(readTrackFragment);
    return fragments
      .filter((fragment) => fragment.trackId === trackId)
      .flatMap(({ startTicks, runs }) => {
        const frames: SoundFrame[] = [];
        let nextTicks = startTicks;
        for (const { dataOffset, samples } of runs) {
          // ffmpeg counts from the `moof` (`default_base_moof`), and `mdat` follows it.
          let offset = (dataOffset ?? moof.length) - moof.length;
          for (const { durationTicks, sizeBytes } of samples) {
            const bytes = mdat.subarray(offset, offset + sizeBytes);
            if (offset < 0 || bytes.length !== sizeBytes) {
              throw new BoxFormatError('a frame of sound lies outside of its fragment');
            }
            frames.push({ startTicks: nextTicks, durationTicks, bytes });
            offset += sizeBytes;
            nextTicks += durationTicks;
          }
        }
        return frames;
      });
  } catch (error) {
    if (error instanceof RangeError) {
      throw new BoxFormatError(`a fragment of sound is damaged: ${error.message}`);
    }
    throw error;
  }
}

const headerBytes = 8;

function words(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [index, value] of values.entries()) view.setUint32(index * 4, value);
  return bytes;
}

function box(type: string, ...content: readonly Uint8Array[]): Uint8Array {
  const sizeBytes = content.reduce((sum, { length }) => sum + length, headerBytes);
  const header = words(sizeBytes, 0);
  header.set(new TextEncoder().encode(type), 4);
  return joinBytes([header, ...content]);
}

/** `default-base-is-moof`, and what frames have in common: their duration and flags. */
const fragmentHeaderFlags = 0x020000 | 0x8 | 0x20;
/** It depends on no other frame: each frame of sound is a sync sample (§8.8.3.1). */
const syncFlags = 0x02000000;
/** Offset of the data, and the size of each frame. */
const runFlags = 0x1 | 0x200;
/** The duration of each frame too: the last one of an encoding is shorter. */
const durationsFlag = 0x100;

/** `moof` and `mdat` of the frames. */
export function writeSoundFragment(fragment: SoundFragment): Uint8Array {
  const { trackId, sequenceNumber, frames } = fragment;
  const { startTicks = 0, durationTicks: commonTicks = 0 } = frames[0] ?? {};
  const isEven = frames.every(({ durationTicks }) => durationTicks === commonTicks);
  const listed = isEven
    ? frames.map(({ bytes }) => bytes.length)
    : frames.flatMap(({ durationTicks, bytes }) => [durationTicks, bytes.length]);
  const flags = isEven ? runFlags : runFlags | durationsFlag;
  const moof = (dataOffset: number): Uint8Array =>
    box(
      'moof',
      box('mfhd', words(0, sequenceNumber)),
      box(
        'traf',
        box('tfhd', words(fragmentHeaderFlags, trackId, commonTicks, syncFlags)),
        box('tfdt', words(0x01000000, Math.floor(startTicks / 2 ** 32), startTicks % 2 ** 32)),
        box('trun', words(flags, frames.length, dataOffset, ...listed)),
      ),
    );
  const dataOffset = moof(0).length + headerBytes;
  return joinBytes([moof(dataOffset), box('mdat', ...frames.map(({ bytes }) => bytes))]);
}
