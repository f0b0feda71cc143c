// Pure: the fragmented MP4 of one rendition → its init section and segments (RFC 8216 §3.3).
// The broadcast pushes ffmpeg's output in, stores what comes out and lists it in the playlists.

import { BoxFormatError } from './box-splitter.ts';
import { describeFragment, type FragmentDescription } from './fragment.ts';
import { type Fragment, FragmentReader, type PackagedInitSection } from './fragment-reader.ts';
import { joinBytes } from './join-bytes.ts';
import { longestSegmentSeconds } from './target-duration.ts';

export interface PackagedSegment {
  readonly kind: 'segment';
  /** Since the encoding's first picture (or sound, without pictures). */
  readonly startSeconds: number;
  /** At most the longest that the target duration allows. */
  readonly durationSeconds: number;
  /** Its end on the media timeline, which all renditions of an encoding share; holes included. */
  readonly mediaEndSeconds: number;
  /** `false` only where the source stalled for longer than the target duration. */
  readonly startsWithKeyframe: boolean;
  /** Number of pictures. */
  readonly frameCount: number;
  readonly bytes: Uint8Array;
}

export type PackagerOutput = PackagedInitSection | PackagedSegment;

export interface PackagerOptions {
  /** Distance of the keyframes, in seconds. */
  readonly segmentSeconds: number;
}

/** How much earlier than the target a keyframe may come and still start a segment. */
const cutToleranceSeconds = 0.1;
const maxSegmentBytes = 64 * 1024 * 1024;

interface OpenSegment {
  readonly startSeconds: number;
  readonly startsWithKeyframe: boolean;
  readonly parts: Uint8Array[];
  sizeBytes: number;
  endSeconds: number;
  frameCount: number;
}

export class Packager {
  readonly #options: PackagerOptions;
  readonly #reader = new FragmentReader();
  #open: OpenSegment | null = null;
  /** Media time of the first fragment. */
  #originSeconds: number | null = null;

  constructor(options: PackagerOptions) {
    this.#options = options;
  }

  /**
   * Takes the next bytes of ffmpeg's output.
   * @throws BoxFormatError when they are not the fragmented MP4 that was asked for
   */
  push(chunk: Uint8Array): PackagerOutput[] {
    return this.#reader
      .push(chunk)
      .flatMap((part) => (part.kind === 'fragment' ? this.#takeFragment(part) : [part]));
  }

  /** What is left when the encoding has ended: the last, shorter segment. */
  end(): PackagerOutput[] {
    return this.#closeSegment(null);
  }

  #takeFragment({ moof, mdat, init }: Fragment): PackagerOutput[] {
    const fragment = describeFragment(moof, init);
    if (fragment === null) return [];
    this.#originSeconds ??= fragment.startSeconds;
    const finished = this.#isCutBefore(fragment) ? this.#closeSegment(fragment) : [];
    const open = this.#append(fragment, [moof, mdat]);
    // The encoder ends a fragment at each keyframe, so what is long enough ends before one: there
    // is no need to wait for the next fragment to see it.
    return this.#isLongEnough(open.endSeconds - open.startSeconds)
      ? [...finished, ...this.#closeSegment(null)]
      : finished;
  }

  #isLongEnough(seconds: number): boolean {
    return seconds >= this.#options.segmentSeconds - cutToleranceSeconds;
  }

  #append(fragment: FragmentDescription, boxes: readonly Uint8Array[]): OpenSegment {
    this.#open ??= {
      startSeconds: fragment.startSeconds,
      startsWithKeyframe: fragment.isSync,
      parts: [],
      sizeBytes: 0,
      endSeconds: fragment.startSeconds,
      frameCount: 0,
    };
    const open = this.#open;
    open.parts.push(...boxes);
    open.sizeBytes += boxes.reduce((sum, box) => sum + box.length, 0);
    open.endSeconds = Math.max(open.endSeconds, fragment.startSeconds + fragment.durationSeconds);
    open.frameCount += fragment.frameCount;
    if (open.sizeBytes > maxSegmentBytes) {
      throw new BoxFormatError(`a segment is over ${maxSegmentBytes} bytes`);
    }
    return open;
  }

  /**
   * A segment starts at the first keyframe at or after the target duration: every rendition has
   * the same keyframes, so all cut alike. A source that gives no keyframe for so long that the
   * segment would break its TARGETDURATION is cut between fragments, and again at its next keyframe.
   */
  #isCutBefore(fragment: FragmentDescription): boolean {
    const open = this.#open;
    if (open === null) return false;
    const { segmentSeconds } = this.#options;
    const elapsedSeconds = fragment.startSeconds - open.startSeconds;
    if (fragment.isSync) {
      if (!open.startsWithKeyframe) return true;
      if (this.#isLongEnough(elapsedSeconds)) return true;
    }
    const endSeconds = elapsedSeconds + fragment.durationSeconds;
    return endSeconds > longestSegmentSeconds(segmentSeconds);
  }

  #closeSegment(next: FragmentDescription | null): PackagedSegment[] {
    const open = this.#open;
    if (open === null) return [];
    this.#open = null;
    // The next fragment tells the true duration; the last sample's own is only ffmpeg's guess.
    const endSeconds = next?.startSeconds ?? open.endSeconds;
    return [
      {
        kind: 'segment',
        startSeconds: open.startSeconds - (this.#originSeconds ?? 0),
        mediaEndSeconds: endSeconds,
        // A hole in the source is no content: the next EXT-X-PROGRAM-DATE-TIME tells its length.
        durationSeconds: Math.min(
          endSeconds - open.startSeconds,
          longestSegmentSeconds(this.#options.segmentSeconds),
        ),
        startsWithKeyframe: open.startsWithKeyframe,
        frameCount: open.frameCount,
        bytes: joinBytes(open.parts),
      },
    ];
  }
}
