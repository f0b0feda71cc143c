// Pure: the sound of a broadcast with pictures → a rendition of its own, cut where the pictures are
// cut (RFC 8216 §4.3.4.1). The encoding pushes ffmpeg's output in and tells it the cuts.

import { type Box, BoxFormatError, BoxSplitter } from './box-splitter.ts';
import { describeInitSection, type TrackDescription } from './init-section.ts';
import { joinBytes } from './join-bytes.ts';
import type { PackagedInitSection, PackagedSegment, PackagerOutput } from './packager.ts';
import { readSoundFrames, type SoundFrame, writeSoundFragment } from './sound-fragment.ts';
import { longestSegmentSeconds } from './target-duration.ts';

/** AAC: samples in each frame (ISO/IEC 14496-3 §4.5.1.1). */
const frameSamples = 1024;
/** A stereo frame of AAC without any signal (ISO/IEC 14496-3 §4.4.2.1: a pair with nothing coded). */
const silentFrame = Uint8Array.of(0x21, 0x00, 0x49, 0x90, 0x02, 0x19, 0x00, 0x23, 0x80);
/** Pictures may stall for so long and keep all of the sound; of longer stalls the latest is kept. */
const longestStallSeconds = 60;

/** More than a minute of silence is a hole. */
const maxSilentFrames = 3_000;

interface Cut {
  /** On the media timeline. */
  readonly seconds: number;
  /** Whether what is left of the sound belongs to the segment that ends there. */
  readonly isLast: boolean;
}

export interface SoundPackagerOptions {
  readonly segmentSeconds: number;
}

export class SoundPackager {
  readonly #options: SoundPackagerOptions;
  readonly #splitter = new BoxSplitter();
  readonly #cuts: Cut[] = [];
  #fileType: Uint8Array | null = null;
  #track: TrackDescription | null = null;
  #moof: Uint8Array | null = null;
  #frames: SoundFrame[] = [];
  /** Where the next segment begins. */
  #nextTicks: number | null = null;
  #originTicks = 0;
  #segmentCount = 0;

  constructor(options: SoundPackagerOptions) {
    this.#options = options;
  }

  /**
   * Takes the next bytes of ffmpeg's output.
   * @throws BoxFormatError when they are not the fragmented MP4 that was asked for
   */
  push(chunk: Uint8Array): PackagerOutput[] {
    const inits = this.#splitter.push(chunk).flatMap((box) => this.#takeBox(box));
    return [...inits, ...this.#closeSegments()];
  }

  /** The segment of the pictures ends here, in seconds of the media timeline: the sound's does too. */
  cutAt(seconds: number, isLast = false): PackagerOutput[] {
    this.#cuts.push({ seconds, isLast });
    return this.#closeSegments();
  }

  /** The encoding has ended: what the pictures have, and the sound has not, is silence. */
  end(): PackagerOutput[] {
    return this.#cuts.splice(0).flatMap((cut) => this.#closeSegment(cut));
  }

  #takeBox(box: Box): PackagedInitSection[] {
    switch (box.type) {
      case 'ftyp':
        this.#fileType = box.bytes;
        return [];
      case 'moov':
        return [this.#takeInitSection(box.bytes)];
      case 'moof':
        this.#moof = box.bytes;
        return [];
      case 'mdat':
        this.#takeFragment(box.bytes);
        return [];
      default:
        return [];
    }
  }

  #takeInitSection(moov: Uint8Array): PackagedInitSection {
    if (this.#fileType === null) throw new BoxFormatError('moov came before ftyp');
    const description = describeInitSection(moov);
    const track = description.tracks.find(({ kind }) => kind === 'audio');
    if (track === undefined) throw new BoxFormatError('the init section has no sound');
    this.#track = track;
    return { kind: 'init-section', bytes: joinBytes([this.#fileType, moov]), description };
  }

  #takeFragment(mdat: Uint8Array): void {
    const [moof, track] = [this.#moof, this.#track];
    this.#moof = null;
    if (moof === null || track === null) {
      throw new BoxFormatError('mdat came without its moof, or before moov');
    }
    for (const frame of readSoundFrames(moof, mdat, track.trackId)) {
      if (this.#nextTicks === null) {
        this.#nextTicks = frame.startTicks;
        this.#originTicks = frame.startTicks;
      }
      this.#frames.push(frame);
    }
    const heldFrames = (longestStallSeconds * track.timescale) / frameSamples;
    if (this.#frames.length > heldFrames) {
      this.#frames = this.#frames.slice(Math.floor(this.#frames.length - heldFrames));
      this.#nextTicks = this.#frames[0]?.startTicks ?? this.#nextTicks;
    }
  }

  /** The segments whose sound is complete. */
  #closeSegments(): PackagedSegment[] {
    const segments: PackagedSegment[] = [];
    for (;;) {
      const [cut] = this.#cuts;
      const [track, last] = [this.#track, this.#frames.at(-1)];
      if (cut === undefined || cut.isLast || track === null || last === undefined) break;
      // A frame that follows would begin where the last one ends, and belong to the next segment.
      const nextMiddleTicks = last.startTicks + last.durationTicks + frameSamples / 2;
      if (nextMiddleTicks < cut.seconds * track.timescale) break;
      this.#cuts.shift();
      segments.push(...this.#closeSegment(cut));
    }
    return segments;
  }

  /** A frame belongs to the segment in which its middle lies: 11 ms from the pictures at most. */
  #closeSegment({ seconds, isLast }: Cut): PackagedSegment[] {
    const track = this.#track;
    if (track === null) return [];
    const startTicks = this.#nextTicks ?? 0;
    const longestTicks = longestSegmentSeconds(this.#options.segmentSeconds) * track.timescale;
    const cutTicks = seconds * track.timescale;
    const untilTicks = isLast ? Math.max(cutTicks, startTicks + longestTicks) : cutTicks;
    const isInside = (frame: SoundFrame): boolean =>
      frame.startTicks + frame.durationTicks / 2 < untilTicks;
    const count = this.#frames.findIndex((frame) => !isInside(frame));
    // At least one, though pictures may be shorter than a frame of sound.
    const taken = this.#frames.splice(0, count === -1 ? this.#frames.length : Math.max(1, count));
    const frames = filled(taken, startTicks, cutTicks);
    const first = frames[0];
    const last = frames.at(-1);
    if (first === undefined || last === undefined) return [];
    this.#nextTicks = last.startTicks + last.durationTicks;
    this.#segmentCount += 1;
    const lengthTicks = this.#nextTicks - first.startTicks;
    return [
      {
        kind: 'segment',
        startSeconds: (first.startTicks - this.#originTicks) / track.timescale,
        mediaEndSeconds: this.#nextTicks / track.timescale,
        durationSeconds: Math.min(lengthTicks, longestTicks) / track.timescale,
        startsWithKeyframe: true,
        frameCount: 0,
        bytes: writeSoundFragment({
          trackId: track.trackId,
          sequenceNumber: this.#segmentCount,
          frames,
        }),
      },
    ];
  }
}

/** The frames with silence before, between and behind them wherever a whole frame is missing. */
function filled(
  frames: readonly SoundFrame[],
  startTicks: number,
  endTicks: number,
): readonly SoundFrame[] {
  const all: SoundFrame[] = [];
  let nextTicks = startTicks;
  const fillUntil = (ticks: number): void => {
    nextTicks = Math.max(nextTicks, ticks - maxSilentFrames * frameSamples);
    for (; nextTicks + frameSamples / 2 < ticks; nextTicks += frameSamples) {
      all.push({ startTicks: nextTicks, durationTicks: frameSamples, bytes: silentFrame });
    }
  };
  for (const frame of frames) {
    fillUntil(frame.startTicks - frameSamples / 2);
    all.push(frame);
    nextTicks = frame.startTicks + frame.durationTicks;
  }
  fillUntil(endTicks);
  if (all.length === 0) {
    all.push({ startTicks, durationTicks: frameSamples, bytes: silentFrame });
  }
  return all;
}
