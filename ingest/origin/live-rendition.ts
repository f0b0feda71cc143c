// One rendition of a broadcast as the origin shows it: what is listed, at which bit rates, and who
// waits for the next segment. The broadcast lists segments, the origin server serves the text.

import { announcedFrameRate } from '../hls/frame-rate.ts';
import { type EarlierWindow, type ListedSegment, MediaPlaylist } from '../hls/media-playlist.ts';
import { BandwidthMeter, type Variant } from '../hls/multivariant-playlist.ts';
import type { RenditionInfo, RenditionName, Sha256Hex } from '../protocol/index.ts';
import { sha256Of } from './media-objects.ts';
import type { RecordedRendition } from './recording-description.ts';

export interface LiveRenditionOptions {
  readonly name: RenditionName;
  readonly targetDurationSeconds: number;
  readonly windowSeconds: number;
  readonly uriPrefix: string;
  readonly discontinuitySequence: number;
  readonly videoBitrateBps: number;
  readonly audioBitrateBps: number;
  /** Whether the bit rates are a guess. */
  readonly isEstimate?: boolean;
  /** Whether every segment is remembered for the recording, not only the live window. */
  readonly isRecorded: boolean;
}

/** What the init section says. */
export interface RenditionFormat {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly codecs: string;
}

export interface PlaylistSnapshot {
  readonly text: string;
  readonly digest: Sha256Hex;
}

/** So much of a rendition is counted for its FRAME-RATE. */
const warmUpSeconds = 10;

interface Waiter {
  readonly sequenceNumber: number;
  readonly wake: () => void;
}

export class LiveRendition {
  readonly name: RenditionName;
  readonly #options: LiveRenditionOptions;
  readonly #playlist: MediaPlaylist;
  readonly #bandwidth: BandwidthMeter;
  readonly #initSections: { generation: number; digest: Sha256Hex }[] = [];
  readonly #recorded: ListedSegment[] = [];
  readonly #waiters = new Set<Waiter>();
  #format: RenditionFormat | null = null;
  #announcedFrameRate: number | null = null;
  #frameCount = 0;
  #listedSeconds = 0;
  #snapshot: PlaylistSnapshot | null = null;

  constructor(options: LiveRenditionOptions) {
    this.name = options.name;
    this.#options = options;
    this.#playlist = new MediaPlaylist(options);
    this.#bandwidth = new BandwidthMeter(options);
  }

  get isEnded(): boolean {
    return this.#playlist.isEnded;
  }

  /** `null` before the first segment. */
  get lastSequenceNumber(): number | null {
    return this.#playlist.lastSequenceNumber;
  }

  /** `null` before the first segment. */
  get lastSegment(): ListedSegment | null {
    return this.#playlist.segments.at(-1) ?? null;
  }

  /** The live window. */
  get segments(): readonly ListedSegment[] {
    return this.#playlist.segments;
  }

  /** The live window with all that its segments need. */
  get window(): EarlierWindow {
    const { discontinuitySequence, initSections, segments } = this.#playlist;
    const { uriPrefix } = this.#options;
    return { uriPrefix, discontinuitySequence, initSections, segments };
  }

  get lastDiscontinuitySequence(): number {
    return this.#playlist.lastDiscontinuitySequence;
  }

  /** Lowest sequence number in the window; `null` before the first segment. */
  get firstSequenceNumber(): number | null {
    return this.#playlist.segments[0]?.sequenceNumber ?? null;
  }

  /** The playlist as it is now; `null` before the first segment. */
  get snapshot(): PlaylistSnapshot | null {
    if (this.lastSequenceNumber === null) return null;
    if (this.#snapshot === null) {
      const { text } = this.#playlist;
      this.#snapshot = { text, digest: sha256Of(text) };
    }
    return this.#snapshot;
  }

  /** How the multivariant playlist announces it; `null` before the first segment. */
  get variant(): Variant | null {
    const format = this.#format;
    if (format === null || this.lastSequenceNumber === null) return null;
    return {
      name: this.name,
      uri: `${this.name}/index.m3u8`,
      ...this.#bandwidth.announced,
      frameRate: this.#announcedFrameRate,
      ...format,
    };
  }

  get info(): RenditionInfo | null {
    const { variant } = this;
    if (variant === null) return null;
    const { name, widthPx, heightPx, bandwidthBps, codecs } = variant;
    return { name, widthPx, heightPx, bandwidthBps, codecs };
  }

  /** Segments that the recording has so far. */
  get segmentCount(): number {
    return this.#recorded.length;
  }

  /**
   * What the recording keeps of it, in all or from one index to before another; `null` before the
   * first segment.
   */
  recorded(firstIndex = 0, endIndex = this.#recorded.length): RecordedRendition | null {
    const { variant } = this;
    if (variant === null) return null;
    const { uri: _, ...format } = variant;
    return {
      ...format,
      ...this.#bandwidth.measured,
      frameRate: announcedFrameRate(this.#frameCount, this.#listedSeconds),
      name: this.name,
      initSections: this.#initSections,
      segments: this.#recorded.slice(firstIndex, endIndex),
    };
  }

  /** Begins with the window of the broadcast that it goes on after; the recording has none of it. */
  continueAfter(earlier: EarlierWindow): void {
    this.#playlist.continueAfter(earlier);
    this.#changed();
  }

  /** A new configuration of the encoder; the segments after it need it. */
  addInitSection(generation: number, digest: Sha256Hex, format: RenditionFormat): void {
    this.#format ??= format;
    this.#initSections.push({ generation, digest });
    this.#playlist.addInitSection({ generation, digest });
  }

  /** Lists a segment that is in the store, and wakes who waits for it. */
  list(segment: ListedSegment, frameCount: number): void {
    this.#playlist.append(segment);
    if (this.#options.isRecorded) this.#recorded.push(segment);
    this.#bandwidth.add(segment);
    this.#frameCount += frameCount;
    this.#listedSeconds += segment.durationSeconds;
    // The first segments of a publisher that is only warming up are not all there is; later ones
    // change nothing, since the multivariant playlist is read once.
    if (this.#announcedFrameRate === null || this.#listedSeconds <= warmUpSeconds) {
      this.#announcedFrameRate = announcedFrameRate(this.#frameCount, this.#listedSeconds);
    }
    this.#changed();
  }

  /** No segment follows; wakes everybody. */
  end(): void {
    this.#playlist.end();
    this.#changed();
  }

  /**
   * Resolves when the segment is listed, when the rendition has ended, or after `timeoutMs`; at
   * once when `signal` aborts.
   */
  waitFor(sequenceNumber: number, timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (this.#isListed(sequenceNumber) || this.isEnded || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', wake);
        this.#waiters.delete(waiter);
        resolve();
      };
      const waiter = { sequenceNumber, wake };
      const timer = setTimeout(wake, timeoutMs);
      signal.addEventListener('abort', wake, { once: true });
      this.#waiters.add(waiter);
    });
  }

  #isListed(sequenceNumber: number): boolean {
    const last = this.lastSequenceNumber;
    return last !== null && sequenceNumber <= last;
  }

  #changed(): void {
    this.#snapshot = null;
    for (const waiter of [...this.#waiters]) {
      if (this.isEnded || this.#isListed(waiter.sequenceNumber)) waiter.wake();
    }
  }
}
