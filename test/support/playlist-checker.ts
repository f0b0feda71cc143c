// Holds every poll of one live media playlist against RFC 8216 and against all polls before it:
// what was once listed never changes, numbers never fall, nothing follows the end.

import { parseSignatureAttribute } from '@shoal/ingest/protocol';

/** One listed segment with everything that applies to it. */
export interface CheckedSegment {
  readonly sequenceNumber: number;
  readonly discontinuitySequence: number;
  readonly uri: string;
  readonly durationSeconds: number;
  readonly programDateTimeMs: number;
  readonly digest: string;
  /** Ed25519 in base64url, empty without one. */
  readonly signature: string;
  /** URI of the init section, a space, its digest. */
  readonly map: string;
}

export interface CheckedPlaylist {
  readonly targetDurationSeconds: number;
  readonly segments: readonly CheckedSegment[];
  readonly isEnded: boolean;
}

const headerTags = [
  '#EXT-X-VERSION:7',
  '#EXT-X-INDEPENDENT-SEGMENTS',
  '#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES',
  '#EXT-X-PLAYLIST-TYPE:VOD',
];
const counters = ['TARGETDURATION', 'MEDIA-SEQUENCE', 'DISCONTINUITY-SEQUENCE'] as const;

class Reading {
  readonly segments: CheckedSegment[] = [];
  readonly #counters = new Map<string, number>();
  #discontinuities = 0;
  #hasDiscontinuity = false;
  #map = '';
  #mapDigest = '';
  #digest = '';
  #signature = '';
  #timeMs = Number.NaN;
  #durationSeconds = Number.NaN;
  isEnded = false;

  counter(name: (typeof counters)[number]): number {
    const value = this.#counters.get(name);
    if (value === undefined) throw new Error(`there is no EXT-X-${name}`);
    return value;
  }

  take(line: string): void {
    if (this.isEnded) throw new Error(`after EXT-X-ENDLIST comes: ${line}`);
    if (!line.startsWith('#')) {
      this.#takeUri(line);
      return;
    }
    const [, name = '', value = ''] = /^#EXT(?:-X-)?([A-Z-]+):?(.*)$/.exec(line) ?? [];
    if (headerTags.includes(line)) return;
    if (counters.some((counter) => counter === name)) this.#takeCounter(name, value);
    else if (name === 'DISCONTINUITY') this.#takeDiscontinuity();
    else if (name === 'SHOAL-MAP-DIGEST') this.#mapDigest = sha256In(value);
    else if (name === 'MAP') this.#takeMap(value);
    else if (name === 'PROGRAM-DATE-TIME') this.#timeMs = Date.parse(value);
    else if (name === 'SHOAL-DIGEST') this.#takeDigest(value);
    else if (name === 'INF') this.#durationSeconds = Number.parseFloat(value);
    else if (name === 'ENDLIST') this.isEnded = true;
    else throw new Error(`an unexpected line: ${line}`);
  }

  #takeDigest(value: string): void {
    this.#digest = sha256In(value);
    this.#signature = parseSignatureAttribute(value) ?? '';
  }

  #takeCounter(name: string, value: string): void {
    if (this.#counters.has(name)) throw new Error(`EXT-X-${name} comes twice`);
    if (!/^\d+$/.test(value)) throw new Error(`EXT-X-${name} is ${value}`);
    this.#counters.set(name, Number(value));
  }

  #takeDiscontinuity(): void {
    if (this.#hasDiscontinuity) throw new Error('EXT-X-DISCONTINUITY comes twice in a row');
    this.#hasDiscontinuity = true;
    if (this.segments.length > 0) this.#discontinuities += 1;
    else throw new Error('the playlist begins with EXT-X-DISCONTINUITY');
  }

  #takeMap(value: string): void {
    const uri = /^URI="([^"]+)"$/.exec(value)?.[1];
    if (uri === undefined) throw new Error(`EXT-X-MAP is ${value}`);
    // RFC 8216 §4.3.2.3: other parameters of the encoding are a discontinuity.
    if (this.segments.length > 0 && !this.#hasDiscontinuity) {
      throw new Error('EXT-X-MAP changes without EXT-X-DISCONTINUITY');
    }
    if (this.#mapDigest === '') throw new Error('EXT-X-MAP has no digest');
    this.#map = `${uri} ${this.#mapDigest}`;
    this.#mapDigest = '';
  }

  #takeUri(uri: string): void {
    const sequenceNumber = this.counter('MEDIA-SEQUENCE') + this.segments.length;
    const segment: CheckedSegment = {
      ...{ sequenceNumber, uri, digest: this.#digest, map: this.#map },
      signature: this.#signature,
      discontinuitySequence: this.counter('DISCONTINUITY-SEQUENCE') + this.#discontinuities,
      durationSeconds: this.#durationSeconds,
      programDateTimeMs: this.#timeMs,
    };
    if (!(segment.durationSeconds > 0)) throw new Error(`${uri} has no duration`);
    if (Math.round(segment.durationSeconds) > this.counter('TARGETDURATION')) {
      throw new Error(`${uri} is longer than the target duration: ${segment.durationSeconds} s`);
    }
    if (Number.isNaN(segment.programDateTimeMs)) throw new Error(`${uri} has no time`);
    if (segment.digest === '' || segment.map === '') throw new Error(`${uri} lacks digest or map`);
    this.#checkTime(segment);
    this.segments.push(segment);
    this.#digest = '';
    this.#durationSeconds = Number.NaN;
    this.#timeMs = Number.NaN;
    this.#hasDiscontinuity = false;
  }

  #checkTime(segment: CheckedSegment): void {
    const last = this.segments.at(-1);
    if (last === undefined) return;
    if (last.uri === segment.uri) throw new Error(`${segment.uri} is listed twice`);
    // A stall of the source leaves a hole; never an overlap beyond the precision of the tags.
    const endMs = last.programDateTimeMs + last.durationSeconds * 1000;
    if (segment.programDateTimeMs < endMs - 50) throw new Error(`${segment.uri} overlaps`);
  }
}

function sha256In(attributes: string): string {
  const digest = /(?:^|,)SHA256=([0-9a-f]{64})(?:,|$)/.exec(attributes)?.[1];
  if (digest === undefined) throw new Error(`a digest tag without SHA256: ${attributes}`);
  return digest;
}

export class PlaylistChecker {
  readonly #known = new Map<number, CheckedSegment>();
  #last: CheckedPlaylist | null = null;
  #endedText: string | null = null;

  /** Every segment that was ever listed, in order. */
  get segments(): readonly CheckedSegment[] {
    return [...this.#known.values()];
  }

  /**
   * Checks one poll.
   * @throws Error that says what is wrong with it
   */
  check(text: string): CheckedPlaylist {
    if (this.#endedText !== null && text !== this.#endedText) {
      throw new Error('the playlist changed after EXT-X-ENDLIST');
    }
    if (!text.endsWith('\n')) throw new Error('the last line has no end');
    const [first, ...lines] = text.slice(0, -1).split('\n');
    if (first !== '#EXTM3U') throw new Error('the playlist does not begin with #EXTM3U');
    const reading = new Reading();
    for (const line of lines) reading.take(line);
    const playlist: CheckedPlaylist = {
      targetDurationSeconds: reading.counter('TARGETDURATION'),
      segments: reading.segments,
      isEnded: reading.isEnded,
    };
    this.#compare(playlist);
    for (const segment of playlist.segments) this.#known.set(segment.sequenceNumber, segment);
    this.#last = playlist;
    if (playlist.isEnded) this.#endedText = text;
    return playlist;
  }

  #compare(playlist: CheckedPlaylist): void {
    const { segments } = playlist;
    for (const segment of segments) {
      const known = this.#known.get(segment.sequenceNumber);
      if (known !== undefined && JSON.stringify(known) !== JSON.stringify(segment)) {
        throw new Error(`a listed segment changed: ${JSON.stringify([known, segment])}`);
      }
    }
    const last = this.#last;
    if (last === null) return;
    if (playlist.targetDurationSeconds !== last.targetDurationSeconds) {
      throw new Error('EXT-X-TARGETDURATION changed');
    }
    const firstNumber = (list: CheckedPlaylist) => list.segments[0]?.sequenceNumber ?? 0;
    const lastNumber = (list: CheckedPlaylist) => list.segments.at(-1)?.sequenceNumber ?? -1;
    if (firstNumber(playlist) < firstNumber(last)) throw new Error('EXT-X-MEDIA-SEQUENCE fell');
    if (lastNumber(playlist) < lastNumber(last)) throw new Error('the end of the playlist fell');
    const totalSeconds = segments.reduce((sum, { durationSeconds }) => sum + durationSeconds, 0);
    // RFC 8216 §6.2.2: what is removed leaves at least three target durations behind.
    const hasSlid = firstNumber(playlist) > firstNumber(last);
    if (hasSlid && totalSeconds < 3 * playlist.targetDurationSeconds) {
      throw new Error(`only ${totalSeconds} s are left`);
    }
  }
}
