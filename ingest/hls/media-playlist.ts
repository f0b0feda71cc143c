// Pure: one rendition's media playlist (RFC 8216 §4.3.2, §4.3.3): a sliding window while live, all
// of it in a recording. Segments are listed here after they are in the store; the origin serves it.

import {
  formatInitDigestTag,
  formatPieceAttributes,
  formatSegmentDigestTag,
  formatSignatureAttribute,
  initSectionName,
  type Sha256Hex,
  segmentName,
} from '../protocol/index.ts';

export interface ListedSegment {
  readonly sequenceNumber: number;
  readonly durationSeconds: number;
  /** Milliseconds since the Unix epoch. */
  readonly programDateTimeMs: number;
  readonly digest: Sha256Hex;
  readonly sizeBytes: number;
  /** Which init section it needs. */
  readonly generation: number;
  /** Ed25519, base64url; `null` in recordings of earlier versions. */
  readonly signature: string | null;
  /** Root of its piece digests (protocol/piece-list.ts); `null` in recordings of earlier versions. */
  readonly pieceRoot: string | null;
  /** Its bytes are lost: only its number and its time are known (RFC 8216bis §4.4.4.7). */
  readonly isGap?: boolean;
}

export interface ListedInitSection {
  readonly generation: number;
  readonly digest: Sha256Hex;
  /** Where its media are when an earlier broadcast left it. */
  readonly earlier?: { readonly uriPrefix: string; readonly generation: number };
}

/** The end of an earlier broadcast's window, which a playlist begins with. */
export interface EarlierWindow {
  readonly uriPrefix: string;
  /** Discontinuity sequence number of its first segment. */
  readonly discontinuitySequence: number;
  readonly initSections: readonly ListedInitSection[];
  readonly segments: readonly ListedSegment[];
}

export interface MediaPlaylistText {
  readonly targetDurationSeconds: number;
  readonly discontinuitySequence: number;
  /** Prefix of every URI, for example `20261122t090000z-abc123/`; may be empty. */
  readonly uriPrefix: string;
  readonly isEnded: boolean;
  /** A recording: `EXT-X-PLAYLIST-TYPE:VOD`. Else a live playlist, for which a reload may block. */
  readonly isRecording: boolean;
  readonly initSections: readonly ListedInitSection[];
  readonly segments: readonly ListedSegment[];
}

/**
 * Segments at the live edge that viewers exchange piece by piece. The others do without the root:
 * it would make every reload of the playlist larger for what nobody asks for.
 */
const pieceRootSegments = 4;

function segmentLines(
  segment: ListedSegment,
  uriPrefix: string,
  isAtEdge: boolean,
): readonly string[] {
  const { signature, pieceRoot, sizeBytes } = segment;
  const extentLines = [
    `#EXTINF:${segment.durationSeconds.toFixed(5)},`,
    `${uriPrefix}${segmentName(segment.sequenceNumber)}`,
  ];
  if (segment.isGap === true) return ['#EXT-X-GAP', ...extentLines];
  const attributes = signature === null ? [] : [formatSignatureAttribute(signature)];
  if (isAtEdge && pieceRoot !== null)
    attributes.push(formatPieceAttributes({ sizeBytes, root: pieceRoot }));
  return [
    `#EXT-X-PROGRAM-DATE-TIME:${new Date(segment.programDateTimeMs).toISOString()}`,
    formatSegmentDigestTag(segment.digest, ...attributes),
    ...extentLines,
  ];
}

function initOf(playlist: MediaPlaylistText, generation: number): ListedInitSection {
  const init = playlist.initSections.find((candidate) => candidate.generation === generation);
  if (init === undefined) throw new RangeError(`there is no init section ${generation}`);
  return init;
}

function mapLines(init: ListedInitSection, uriPrefix: string): readonly string[] {
  const name = initSectionName(init.earlier?.generation ?? init.generation);
  return [formatInitDigestTag(init.digest), `#EXT-X-MAP:URI="${uriPrefix}${name}"`];
}

/** The playlist's text, with a line feed at the end. */
export function formatMediaPlaylist(playlist: MediaPlaylistText): string {
  const lines = [
    '#EXTM3U',
    '#EXT-X-VERSION:7',
    `#EXT-X-TARGETDURATION:${playlist.targetDurationSeconds}`,
    `#EXT-X-MEDIA-SEQUENCE:${playlist.segments[0]?.sequenceNumber ?? 0}`,
    `#EXT-X-DISCONTINUITY-SEQUENCE:${playlist.discontinuitySequence}`,
    '#EXT-X-INDEPENDENT-SEGMENTS',
  ];
  if (playlist.isRecording) lines.push('#EXT-X-PLAYLIST-TYPE:VOD');
  // RFC 8216bis §4.4.3.8: the origin holds a reload until the wanted segment is there.
  else lines.push('#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES');
  let generation: number | null = null;
  let { uriPrefix } = playlist;
  const edgeFrom = playlist.isRecording
    ? Number.POSITIVE_INFINITY
    : playlist.segments.length - pieceRootSegments;
  for (const [index, segment] of playlist.segments.entries()) {
    if (segment.generation !== generation) {
      if (generation !== null) lines.push('#EXT-X-DISCONTINUITY');
      generation = segment.generation;
      const init = initOf(playlist, generation);
      uriPrefix = init.earlier?.uriPrefix ?? playlist.uriPrefix;
      lines.push(...mapLines(init, uriPrefix));
    }
    lines.push(...segmentLines(segment, uriPrefix, index >= edgeFrom));
  }
  if (playlist.isEnded) lines.push('#EXT-X-ENDLIST');
  return `${lines.join('\n')}\n`;
}

export interface MediaPlaylistOptions {
  readonly targetDurationSeconds: number;
  /** Length of the sliding window; at least six target durations are kept in any case. */
  readonly windowSeconds: number;
  readonly uriPrefix: string;
  readonly discontinuitySequence: number;
}

/** Fewest target durations that a live playlist keeps: a player starts three from the end. */
const leastWindowTargets = 6;
const windowSlackSeconds = 0.01;

/** The sliding window of a live rendition. */
export class MediaPlaylist {
  readonly #options: MediaPlaylistOptions;
  readonly #windowSeconds: number;
  #initSections: ListedInitSection[] = [];
  #segments: ListedSegment[] = [];
  #listedSeconds = 0;
  #discontinuitySequence: number;
  #isEnded = false;

  constructor(options: MediaPlaylistOptions) {
    this.#options = options;
    this.#discontinuitySequence = options.discontinuitySequence;
    this.#windowSeconds = Math.max(
      options.windowSeconds,
      leastWindowTargets * options.targetDurationSeconds,
    );
  }

  get segments(): readonly ListedSegment[] {
    return this.#segments;
  }

  /** All that it ever had. */
  get initSections(): readonly ListedInitSection[] {
    return this.#initSections;
  }

  /** Of the first segment in the window. */
  get discontinuitySequence(): number {
    return this.#discontinuitySequence;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** `null` before the first segment. */
  get lastSequenceNumber(): number | null {
    return this.#segments.at(-1)?.sequenceNumber ?? null;
  }

  /** Discontinuity sequence number of the last segment; the next broadcast goes on after it. */
  get lastDiscontinuitySequence(): number {
    return this.#discontinuitySequence + new Set(this.#segments.map((s) => s.generation)).size - 1;
  }

  get text(): string {
    return formatMediaPlaylist({
      targetDurationSeconds: this.#options.targetDurationSeconds,
      discontinuitySequence: this.#discontinuitySequence,
      uriPrefix: this.#options.uriPrefix,
      isEnded: this.#isEnded,
      isRecording: false,
      initSections: this.#initSections,
      segments: this.#segments,
    });
  }

  /**
   * Begins with what an earlier broadcast has left; its own segments follow behind a discontinuity.
   */
  continueAfter({ uriPrefix, discontinuitySequence, initSections, segments }: EarlierWindow): void {
    const [first] = segments;
    if (first === undefined) return;
    // Below its own, which begin at zero.
    const generationOf = ({ generation }: { generation: number }): number =>
      generation - Math.max(...initSections.map((init) => init.generation)) - 1;
    for (const init of initSections) {
      const earlier = init.earlier ?? { uriPrefix, generation: init.generation };
      this.addInitSection({ digest: init.digest, generation: generationOf(init), earlier });
    }
    this.#discontinuitySequence = discontinuitySequence;
    for (const segment of segments) this.append({ ...segment, generation: generationOf(segment) });
  }

  addInitSection(init: ListedInitSection): void {
    this.#initSections.push(init);
  }

  /**
   * Lists a segment and lets the oldest slide out of the window.
   * @throws RangeError when it does not follow the last one, or is longer than the target allows
   */
  append(segment: ListedSegment): void {
    const last = this.lastSequenceNumber;
    if (last !== null && segment.sequenceNumber !== last + 1) {
      throw new RangeError(`segment ${segment.sequenceNumber} does not follow ${last}`);
    }
    // RFC 8216 §4.3.3.1: rounded to the nearest whole second, no segment exceeds the target.
    if (Math.round(segment.durationSeconds) > this.#options.targetDurationSeconds) {
      throw new RangeError(`a segment of ${segment.durationSeconds} s is longer than the target`);
    }
    this.#segments.push(segment);
    this.#listedSeconds += segment.durationSeconds;
    this.#slide();
  }

  /** No segment follows. */
  end(): void {
    this.#isEnded = true;
  }

  #slide(): void {
    for (;;) {
      const [first, second] = this.#segments;
      if (first === undefined || second === undefined) return;
      // Sums of durations are not exact: a hair less than the window is the window.
      const restSeconds = this.#listedSeconds - first.durationSeconds + windowSlackSeconds;
      if (restSeconds < this.#windowSeconds) return;
      this.#segments.shift();
      this.#listedSeconds -= first.durationSeconds;
      if (first.generation !== second.generation) this.#discontinuitySequence += 1;
    }
  }
}
