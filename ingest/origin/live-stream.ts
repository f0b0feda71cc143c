// The live streams of the origin and the broadcast that each of them shows: the running one, or
// the last one with its ended playlists. The broadcast fills it, the origin server reads it.

import type { EarlierWindow, ListedSegment } from '../hls/media-playlist.ts';
import { formatMultivariantPlaylist, presented } from '../hls/multivariant-playlist.ts';
import { targetDurationSeconds } from '../hls/target-duration.ts';
import {
  parseRenditionName,
  type RecordingId,
  type RenditionInfo,
  type RenditionName,
  type StreamId,
  type StreamState,
} from '../protocol/index.ts';
import { LiveRendition, type PlaylistSnapshot } from './live-rendition.ts';
import { sha256Of } from './media-objects.ts';
import type { RecordingDescription } from './recording-description.ts';
import { liveThumbnailTrack, type Thumbnail } from './thumbnail-tracks.ts';

export interface LiveStreamsOptions {
  readonly segmentSeconds: number;
  readonly windowSeconds: number;
  readonly isRecorded: boolean;
}

/** How a broadcast is announced when its encoder starts. */
export interface AnnouncedRendition {
  readonly name: string;
  readonly videoBitrateBps: number;
  readonly audioBitrateBps: number;
  /** Whether the bit rates are a guess. */
  readonly isEstimate?: boolean;
}

interface PresentationOptions extends LiveStreamsOptions {
  readonly stream: StreamId;
  readonly recording: RecordingId;
  readonly startedAt: Date;
  readonly firstSequenceNumber: number;
  readonly discontinuitySequence: number;
  /** Windows of the broadcast that it goes on after, by rendition. */
  readonly earlier?: ReadonlyMap<RenditionName, EarlierWindow>;
}

/** What viewers see of one broadcast. */
export class Presentation {
  readonly stream: StreamId;
  readonly recording: RecordingId;
  readonly startedAt: Date;
  /** Of every rendition; greater than any of an earlier broadcast of the stream. */
  readonly firstSequenceNumber: number;
  /** Of its first segment; greater than any of an earlier broadcast of the stream. */
  readonly discontinuitySequence: number;
  readonly #options: PresentationOptions;
  #renditions: readonly LiveRendition[] = [];
  /** Renditions that ended before the broadcast. */
  readonly #shed = new Set<LiveRendition>();
  #endedAt: Date | null = null;
  #isInterrupted = false;
  #thumbnails: readonly Thumbnail[] = [];
  /** Capture time of the first thumbnail. */
  #zeroTimeMs: number | null = null;

  constructor(options: PresentationOptions) {
    this.#options = options;
    this.stream = options.stream;
    this.recording = options.recording;
    this.startedAt = options.startedAt;
    this.firstSequenceNumber = options.firstSequenceNumber;
    this.discontinuitySequence = options.discontinuitySequence;
  }

  /** All that it ever had. */
  get renditions(): readonly LiveRendition[] {
    return this.#renditions;
  }

  /** Those that go on, or went on to its end. */
  get activeRenditions(): readonly LiveRendition[] {
    return this.#renditions.filter((rendition) => !this.#shed.has(rendition));
  }

  /** `null` while it runs. */
  get endedAt(): Date | null {
    return this.#endedAt;
  }

  /** The live window, by the rendition that has most of it. */
  get #longestWindow(): readonly ListedSegment[] {
    const windows = this.#renditions.map(({ segments }) => segments);
    return windows.toSorted((a, b) => b.length - a.length)[0] ?? [];
  }

  get state(): StreamState {
    if (this.#endedAt !== null) return 'ended';
    return this.#isInterrupted ? 'reconnecting' : 'live';
  }

  /** What viewers can choose, as the multivariant playlist announces it. */
  get renditionInfos(): readonly RenditionInfo[] {
    const infos = this.activeRenditions.flatMap(({ info }) => (info === null ? [] : [info]));
    return presented(infos).variants;
  }

  /** The multivariant playlist; `null` until every rendition has its first segment. */
  get snapshot(): PlaylistSnapshot | null {
    const active = this.activeRenditions;
    const variants = active.map(({ variant }) => variant).filter((v) => v !== null);
    if (variants.length === 0 || variants.length < active.length) return null;
    const text = formatMultivariantPlaylist(variants);
    return { text, digest: sha256Of(text) };
  }

  get lastSequenceNumber(): number {
    const numbers = this.#renditions.map(({ lastSequenceNumber }) => lastSequenceNumber ?? -1);
    return Math.max(this.firstSequenceNumber - 1, ...numbers);
  }

  get lastDiscontinuitySequence(): number {
    const numbers = this.#renditions.map((rendition) => rendition.lastDiscontinuitySequence);
    return Math.max(this.#options.discontinuitySequence, ...numbers);
  }

  /** Segments that the recording of each rendition has so far. */
  get segmentCount(): number {
    return Math.max(0, ...this.#renditions.map(({ segmentCount }) => segmentCount));
  }

  /** What its recording is made of so far: all of it, or from one index to before another. */
  describe(firstIndex?: number, endIndex?: number): RecordingDescription {
    const renditions = this.#renditions.map((item) => {
      const recorded = item.recorded(firstIndex, endIndex);
      return recorded === null ? null : { ...recorded, isShed: this.#shed.has(item) };
    });
    return {
      stream: this.stream,
      recording: this.recording,
      startedAt: this.startedAt.toISOString(),
      targetDurationSeconds: targetDurationSeconds(this.#options.segmentSeconds),
      discontinuitySequence: this.discontinuitySequence,
      renditions: renditions.filter((rendition) => rendition !== null),
    };
  }

  /** The WebVTT of the live window's thumbnails; `null` without any. */
  get thumbnailTrack(): string | null {
    const segments = this.#longestWindow;
    const { recording } = this;
    const zeroTimeMs = this.#zeroTimeMs;
    if (zeroTimeMs === null) return null;
    return liveThumbnailTrack({ recording, thumbnails: this.#thumbnails, zeroTimeMs, segments });
  }

  /**
   * There is a picture of a segment now.
   * @returns those whose time has left the window with it, for good
   */
  addThumbnail(sequenceNumber: number): readonly number[] {
    const segments = this.#longestWindow;
    const segment = segments.find((item) => item.sequenceNumber === sequenceNumber);
    // It took longer than the window is.
    if (segment === undefined) return [sequenceNumber];
    const { programDateTimeMs } = segment;
    this.#zeroTimeMs ??= programDateTimeMs;
    const all = [...this.#thumbnails, { sequenceNumber, programDateTimeMs }];
    const windowStartMs = segments[0]?.programDateTimeMs ?? 0;
    // Each lasts until the next one: the last before the window still shows its beginning.
    const kept = all.filter(
      (_, index) => (all[index + 1]?.programDateTimeMs ?? Infinity) > windowStartMs,
    );
    this.#thumbnails = kept;
    return all.filter((item) => !kept.includes(item)).map((item) => item.sequenceNumber);
  }

  /** @throws RangeError for a name that no URL can have */
  announce(announced: readonly AnnouncedRendition[]): void {
    const { segmentSeconds, windowSeconds, discontinuitySequence, isRecorded } = this.#options;
    const { earlier } = this.#options;
    this.#renditions = announced.map((rendition) => {
      const renditionName = parseRenditionName(rendition.name);
      if (renditionName === null) throw new RangeError(`not a rendition name: ${rendition.name}`);
      const live = new LiveRendition({
        ...rendition,
        name: renditionName,
        targetDurationSeconds: targetDurationSeconds(segmentSeconds),
        windowSeconds,
        uriPrefix: `${this.recording}/`,
        discontinuitySequence,
        isRecorded,
      });
      const window = earlier?.get(renditionName);
      if (window !== undefined) live.continueAfter(window);
      return live;
    });
  }

  /**
   * The encoder goes on without some renditions: their playlists end, and the multivariant playlist
   * does not name them any more.
   */
  shedAllBut(names: readonly string[]): void {
    for (const rendition of this.activeRenditions) {
      if (names.includes(rendition.name)) continue;
      this.#shed.add(rendition);
      rendition.end();
    }
  }

  /** Whether its publisher is lost and may come back. */
  setInterrupted(isInterrupted: boolean): void {
    this.#isInterrupted = isInterrupted;
  }

  /** Every playlist gets its end; idempotent. */
  end(endedAt: Date): void {
    if (this.#endedAt !== null) return;
    this.#endedAt = endedAt;
    for (const rendition of this.#renditions) rendition.end();
  }
}

/** Frames of a segment whose pictures are not counted any more. */
function framesOf(frameRate: number | null, durationSeconds: number): number {
  return Math.round((frameRate ?? 0) * durationSeconds);
}

/** Numbers left free for a broadcast that still finishes while its successor begins. */
const unfinishedMargin = 16;
/** So many segments may be lost between two servers; more are not listed as gaps. */
const maxGapSegments = 16;

export class LiveStreams {
  readonly #options: LiveStreamsOptions;
  readonly #presentations = new Map<StreamId, Presentation>();
  /** Those of another server of which every number is known: the next broadcast goes on after them. */
  readonly #continued = new WeakSet<Presentation>();

  constructor(options: LiveStreamsOptions) {
    this.#options = options;
  }

  /** In the order in which the streams first went live. */
  get presentations(): readonly Presentation[] {
    return [...this.#presentations.values()];
  }

  get(stream: StreamId): Presentation | null {
    return this.#presentations.get(stream) ?? null;
  }

  /** A recording was deleted: the ended playlists that name its media go with it. */
  forget(stream: StreamId, recording: RecordingId): void {
    const presentation = this.get(stream);
    if (presentation?.recording === recording && presentation.endedAt !== null) {
      this.#presentations.delete(stream);
    }
  }

  /**
   * Shows a broadcast that was cut off with the process: its viewers find the end of its
   * playlists, and the next broadcast goes on after its numbers.
   */
  restore(description: RecordingDescription, endedAt: Date): void {
    this.#rebuild(description).end(endedAt);
  }

  /**
   * Shows what another server has left of a broadcast that goes on here, without an end.
   * @param lastNumber of its last segment; those that the description lacks become gaps. Without it
   * the numbers of the next broadcast leave room for segments that nobody here knows.
   */
  adopt(description: RecordingDescription, lastNumber: number | null): void {
    const presentation = this.#rebuild(description);
    presentation.setInterrupted(true);
    const missing = (lastNumber ?? Number.NaN) - presentation.lastSequenceNumber;
    if (!(missing >= 0 && missing <= maxGapSegments)) return;
    for (const rendition of presentation.activeRenditions) {
      for (let index = 0; index < missing; index += 1) this.#listGap(rendition);
    }
    this.#continued.add(presentation);
  }

  #listGap(rendition: LiveRendition): void {
    const last = rendition.lastSegment;
    if (last === null) return;
    rendition.list(
      {
        ...last,
        sequenceNumber: last.sequenceNumber + 1,
        durationSeconds: this.#options.segmentSeconds,
        programDateTimeMs: last.programDateTimeMs + last.durationSeconds * 1000,
        isGap: true,
      },
      0,
    );
  }

  #rebuild(description: RecordingDescription): Presentation {
    const { stream, recording, startedAt, discontinuitySequence, renditions } = description;
    const presentation = new Presentation({
      ...{ ...this.#options, isRecorded: false, stream, recording, discontinuitySequence },
      startedAt: new Date(startedAt),
      firstSequenceNumber: renditions[0]?.segments[0]?.sequenceNumber ?? 0,
    });
    presentation.announce(
      renditions.map(({ name }) => ({ name, videoBitrateBps: 0, audioBitrateBps: 0 })),
    );
    for (const [index, { initSections, segments, frameRate, ...format }] of renditions.entries()) {
      const live = presentation.renditions[index];
      for (const init of initSections) live?.addInitSection(init.generation, init.digest, format);
      for (const item of segments) live?.list(item, framesOf(frameRate, item.durationSeconds));
    }
    presentation.shedAllBut(
      renditions.filter(({ isShed }) => isShed !== true).map(({ name }) => name),
    );
    this.#presentations.set(stream, presentation);
    return presentation;
  }

  /**
   * A new broadcast takes the stream's place. Numbers go on after those of the last broadcast, so
   * that a player that still polls never sees them fall.
   */
  begin(stream: StreamId, recording: RecordingId, startedAt: Date): Presentation {
    const last = this.get(stream);
    const isContinued = last !== null && this.#continued.has(last);
    const mayGoOn = last !== null && last.endedAt === null && !isContinued;
    const margin = mayGoOn ? unfinishedMargin : 0;
    const presentation = new Presentation({
      ...this.#options,
      stream,
      recording,
      startedAt,
      firstSequenceNumber: last === null ? 0 : last.lastSequenceNumber + 1 + margin,
      discontinuitySequence: last === null ? 0 : last.lastDiscontinuitySequence + 1,
      earlier: new Map(isContinued ? windowsOf(last) : []),
    });
    this.#presentations.set(stream, presentation);
    return presentation;
  }
}

/** Of the renditions that went on to the end. */
function windowsOf(presentation: Presentation): readonly [RenditionName, EarlierWindow][] {
  return presentation.activeRenditions
    .filter(({ lastSequenceNumber }) => lastSequenceNumber === presentation.lastSequenceNumber)
    .map(({ name, window }) => [name, window]);
}
