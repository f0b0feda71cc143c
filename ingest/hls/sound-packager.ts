// Pure: the sound of a broadcast with pictures → a rendition of its own, cut where the pictures are
// cut (RFC 8216 §4.3.4.1). The encoding pushes ffmpeg's output in and tells it the cuts.

import { BoxFormatError } from './box-splitter.ts';
import { type Fragment, FragmentReader, type PackagedInitSection } from './fragment-reader.ts';
import type { TrackDescription } from './init-section.ts';
import type { PackagedSegment, PackagerOutput } from './packager.ts';
import { readSoundFrames, type SoundFrame, writeSoundFragment } from './sound-fragment.ts';
import { longestSegmentSeconds } from './target-duration.ts';

/** AAC: samples in each frame (ISO/IEC 14496-3 §4.5.1.1). */
const frameSamples = 1024;
/** A stereo frame of AAC without any signal (ISO/IEC 14496-3 §4.4.2.1: a pair with nothing coded). */
const silentFrame = Uint8Array.of(0x21, 0x00, 0x49, 0x90, 0x02, 0x19, 0x00, 0x23, 0x80);
/** How much sound is held while no picture comes. */
const heldSeconds = 60;

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
  readonly #reader = new FragmentReader();
  readonly #cuts: Cut[] = [];
  #track: TrackDescription | null = null;
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
    const inits: PackagedInitSection[] = [];
    for (const part of this.#reader.push(chunk)) {
      if (part.kind === 'fragment') this.#takeFragment(part);
      else {
        this.#track = soundOf(part);
        inits.push(part);
      }
    }
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

  #takeFragment({ moof, mdat }: Fragment): void {
    const track = this.#track;
    if (track === null) return;
    for (const frame of readSoundFrames(moof, mdat, track.trackId)) {
      if (this.#nextTicks === null) {
        this.#nextTicks = frame.startTicks;
        this.#originTicks = frame.startTicks;
      }
      this.#frames.push(frame);
    }
    // The open segment takes the first of them, the one after the next picture the last.
    const surplus = this.#frames.length - Math.ceil((heldSeconds * track.timescale) / frameSamples);
    if (surplus > 0) {
      const firstFrames = Math.ceil(this.#longestTicks(track) / frameSamples);
      this.#frames.splice(firstFrames, surplus);
    }
  }

  #longestTicks({ timescale }: TrackDescription): number {
    return longestSegmentSeconds(this.#options.segmentSeconds) * timescale;
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

  /**
   * A frame belongs to the segment in which its middle lies: 11 ms from the pictures at most. Where the
   * pictures have a hole, and their segment would be longer than any may be, the sound has it too.
   */
  #closeSegment({ seconds, isLast }: Cut): PackagedSegment[] {
    const track = this.#track;
    if (track === null) return [];
    const cutTicks = seconds * track.timescale;
    const longestTicks = this.#longestTicks(track);
    const startTicks = this.#nextTicks ?? Math.max(0, cutTicks - longestTicks);
    const endTicks = Math.min(cutTicks, startTicks + longestTicks);
    const untilTicks = isLast ? startTicks + longestTicks : endTicks;
    // At least one, though pictures may be shorter than a frame of sound.
    const taken = this.#frames.splice(0, Math.max(1, this.#countBefore(untilTicks)));
    const frames = filled(taken, startTicks, endTicks);
    const first = frames[0];
    const last = frames.at(-1);
    if (first === undefined || last === undefined) return [];
    const lastEndTicks = last.startTicks + last.durationTicks;
    this.#frames.splice(0, this.#countBefore(cutTicks));
    const missingFrames = Math.max(0, Math.ceil((cutTicks - lastEndTicks) / frameSamples - 0.5));
    this.#nextTicks = lastEndTicks + missingFrames * frameSamples;
    this.#segmentCount += 1;
    const lengthTicks = lastEndTicks - first.startTicks;
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

  /** How many of the frames have their middle before it. */
  #countBefore(ticks: number): number {
    const count = this.#frames.findIndex(
      ({ startTicks, durationTicks }) => startTicks + durationTicks / 2 >= ticks,
    );
    return count === -1 ? this.#frames.length : count;
  }
}

function soundOf({ description }: PackagedInitSection): TrackDescription {
  const track = description.tracks.find(({ kind }) => kind === 'audio');
  if (track === undefined) throw new BoxFormatError('the init section has no sound');
  return track;
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
