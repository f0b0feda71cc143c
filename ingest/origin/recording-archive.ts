// Finished broadcasts: their playlists and summaries in the store, so that they outlive a restart.
// The broadcast saves checkpoints and finishes it; a start finishes what a crash has left open.

import type { Logger } from 'pino';
import type { z } from 'zod';
import { formatMediaPlaylist } from '../hls/media-playlist.ts';
import { formatMultivariantPlaylist, presented } from '../hls/multivariant-playlist.ts';
import { parseStreamId, type RecordingId, type StreamId } from '../protocol/index.ts';
import type { MediaObjects } from './media-objects.ts';
import {
  checkpointKey,
  checkpointPrefix,
  checkpointsPrefix,
  mediaKey,
  mediaPrefix,
  posterKey,
  recordedPlaylistKey,
  recordedThumbnailTrackKey,
  recordingKey,
  recordingsPrefix,
  thumbnailNumbers,
  thumbnailPrefix,
} from './object-keys.ts';
import {
  joinDescriptions,
  type RecordedRendition,
  type RecordingDescription,
  type RecordingSummary,
  recordingDescriptionSchema,
  recordingSummarySchema,
} from './recording-description.ts';

import { recordedThumbnailTrack } from './thumbnail-tracks.ts';

export interface RecordingArchiveOptions {
  readonly objects: MediaObjects;
  /**
   * Whether a broadcast that has only checkpoints was cut off, and does not run on another server
   * with the same store; all were when absent.
   */
  readonly isCutOff?: ((stream: StreamId) => Promise<boolean>) | undefined;
  readonly logger: Logger;
}

export interface CutOffBroadcast {
  readonly description: RecordingDescription;
  readonly endedAt: Date;
}

/** A checkpoint is some kilobytes, a summary less; more was not written by Shoal. */
const maxDescriptionBytes = 16 * 1024 * 1024;

function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function playlistOf(recording: RecordingDescription, rendition: RecordedRendition): Uint8Array {
  return new TextEncoder().encode(
    formatMediaPlaylist({
      targetDurationSeconds: recording.targetDurationSeconds,
      discontinuitySequence: recording.discontinuitySequence,
      uriPrefix: '',
      isEnded: true,
      isRecording: true,
      initSections: rendition.initSections,
      segments: rendition.segments,
    }),
  );
}

/** The longest rendition's time, by its segments. */
function durationOf(recording: RecordingDescription): number {
  const seconds = recording.renditions.map(({ segments }) =>
    segments.reduce((sum, { durationSeconds }) => sum + durationSeconds, 0),
  );
  return Math.max(0, ...seconds);
}

function sizeOf(recording: RecordingDescription): number {
  const segments = recording.renditions.flatMap((rendition) => rendition.segments);
  return segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

function lastMomentOf(recording: RecordingDescription): Date {
  const ends = recording.renditions.map(({ segments }) => {
    const last = segments.at(-1);
    return last === undefined ? 0 : last.programDateTimeMs + last.durationSeconds * 1000;
  });
  return new Date(Math.max(Date.parse(recording.startedAt), ...ends));
}

export class RecordingArchive {
  readonly #objects: MediaObjects;
  readonly #logger: Logger;
  readonly #isCutOff: (stream: StreamId) => Promise<boolean>;
  readonly #summaries = new Map<string, RecordingSummary>();
  /** What the last process could not finish, by its last moment. */
  readonly #cutOff: CutOffBroadcast[] = [];

  private constructor(options: RecordingArchiveOptions) {
    this.#isCutOff = options.isCutOff ?? (async () => true);
    this.#objects = options.objects;
    this.#logger = options.logger;
  }

  /**
   * Reads what is there, and finishes the recordings that were cut off.
   * @throws IngestError `store-unavailable`
   */
  static async start(options: RecordingArchiveOptions): Promise<RecordingArchive> {
    const archive = new RecordingArchive(options);
    const { store } = options.objects;
    for (const key of await store.list(recordingsPrefix)) {
      const summary = await archive.#read(key, recordingSummarySchema);
      if (summary !== null) archive.#summaries.set(key, summary);
    }
    const keys = await store.list(checkpointsPrefix);
    archive.#cutOff.push(...(await archive.#finishCutOff(keys)));
    return archive;
  }

  /** Oldest first. */
  get summaries(): readonly RecordingSummary[] {
    return [...this.#summaries.values()].toSorted((a, b) => a.startedAt.localeCompare(b.startedAt));
  }

  /** Broadcasts that ran when the last process ended; their recordings are finished. */
  get cutOff(): readonly CutOffBroadcast[] {
    return this.#cutOff;
  }

  has(stream: StreamId, recording: RecordingId): boolean {
    return this.#summaries.has(recordingKey(stream, recording));
  }

  /**
   * Saves what was listed since the last part, so that its cost does not grow with the broadcast.
   * @throws IngestError `store-unavailable`
   */
  async checkpoint(description: RecordingDescription, part: number): Promise<void> {
    const key = checkpointKey(description.stream, description.recording, part);
    await this.#objects.store.put(key, encode(description));
  }

  /** Writes the ended playlists and the summary. @throws IngestError `store-unavailable` */
  async finish(description: RecordingDescription, endedAt: Date): Promise<void> {
    const { stream, recording, startedAt } = description;
    const checkpoints = checkpointPrefix(stream, recording);
    const renditions = description.renditions.filter(({ segments }) => segments.length > 0);
    if (renditions.length === 0) {
      await this.#objects.store.deleteAll(checkpoints);
      return;
    }
    for (const rendition of renditions) {
      const key = mediaKey(description, rendition.name, 'index.m3u8');
      await this.#objects.put(key, playlistOf(description, rendition));
    }
    const whole = renditions.filter(({ isShed }) => isShed !== true);
    const multivariant = formatMultivariantPlaylist(
      whole.map((rendition) => ({ ...rendition, uri: `${rendition.name}/index.m3u8` })),
    );
    await this.#objects.put(
      recordedPlaylistKey(stream, recording),
      new TextEncoder().encode(multivariant),
    );
    const hasThumbnails = await this.#writeThumbnailTrack(description);
    const summary: RecordingSummary = {
      stream,
      recording,
      startedAt,
      endedAt: endedAt.toISOString(),
      durationSeconds: durationOf(description),
      sizeBytes: sizeOf(description),
      hasThumbnails,
      hasPoster: (await this.#objects.store.size(posterKey(stream, recording))) !== null,
      renditions: presented(whole).variants.map(
        ({ name, bandwidthBps, widthPx, heightPx, codecs }) => ({
          ...{ name, bandwidthBps, widthPx, heightPx, codecs },
        }),
      ),
    };
    const key = recordingKey(stream, recording);
    await this.#objects.store.put(key, encode(summary));
    this.#summaries.set(key, summary);
    // Last: until here, a crash leaves the checkpoints to finish from.
    await this.#objects.store.deleteAll(checkpoints).catch((error) => {
      // They stay, and the recording is finished once more at the next start.
      this.#logger.warn({ err: error, recording }, 'checkpoints could not be removed');
    });
    this.#logger.info({ stream, recording, durationSeconds: summary.durationSeconds }, 'recorded');
  }

  /**
   * Deletes a finished recording, media first: what fails in the middle can be deleted again.
   * @returns `false` when there is none
   * @throws IngestError `store-unavailable`
   */
  async delete(stream: StreamId, recording: RecordingId): Promise<boolean> {
    const key = recordingKey(stream, recording);
    const summary = this.#summaries.get(key);
    if (summary === undefined) return false;
    this.#summaries.delete(key);
    try {
      await this.#objects.deleteAll(mediaPrefix(stream, recording));
      await this.#objects.store.delete(key);
    } catch (error) {
      this.#summaries.set(key, summary);
      throw error;
    }
    return true;
  }

  /** @returns whether there are thumbnails */
  async #writeThumbnailTrack(description: RecordingDescription): Promise<boolean> {
    const { stream, recording } = description;
    const keys = await this.#objects.store.list(thumbnailPrefix(stream, recording));
    const text = recordedThumbnailTrack(description, thumbnailNumbers(keys));
    if (text === null) return false;
    const key = recordedThumbnailTrackKey(stream, recording);
    await this.#objects.put(key, new TextEncoder().encode(text));
    return true;
  }

  /**
   * Finishes what another server has left of the stream in the store that they share.
   * @returns its last broadcast, or `null` when it left none
   */
  async adopt(stream: StreamId): Promise<RecordingDescription | null> {
    const keys = await this.#objects.store.list(`${checkpointsPrefix}${stream}/`);
    const found = await this.#finishCutOff(keys, async () => true);
    const last = found.toSorted((a, b) => a.endedAt.getTime() - b.endedAt.getTime()).at(-1);
    return last?.description ?? null;
  }

  /**
   * Finishes what other servers have left of streams that nobody goes on with.
   * @throws IngestError `store-unavailable`
   */
  async finishLeft(
    isLeft: (stream: StreamId) => Promise<boolean>,
  ): Promise<readonly CutOffBroadcast[]> {
    const answers = new Map<string, boolean>();
    const keys: string[] = [];
    for (const key of await this.#objects.store.list(checkpointsPrefix)) {
      // Asked before anything is read: running broadcasts have most of the checkpoints.
      const stream = parseStreamId(key.slice(checkpointsPrefix.length).split('/')[0] ?? '');
      if (stream === null) continue;
      const answer = answers.get(stream) ?? (await isLeft(stream));
      answers.set(stream, answer);
      if (answer) keys.push(key);
    }
    return this.#finishCutOff(keys, async () => true);
  }

  async #finishCutOff(
    keys: readonly string[],
    isCutOff = this.#isCutOff,
  ): Promise<readonly CutOffBroadcast[]> {
    const found: CutOffBroadcast[] = [];
    const cutOff = new Map<RecordingId, RecordingDescription>();
    for (const key of keys) {
      const part = await this.#read(key, recordingDescriptionSchema);
      if (part === null) continue;
      const earlier = cutOff.get(part.recording);
      cutOff.set(part.recording, earlier === undefined ? part : joinDescriptions(earlier, part));
    }
    for (const description of cutOff.values()) {
      if (!(await isCutOff(description.stream))) continue;
      const endedAt = lastMomentOf(description);
      found.push({ description, endedAt });
      await this.finish(description, endedAt);
    }
    return found;
  }

  /** A file of the archive; one that cannot be understood is left alone and reported. */
  async #read<Value>(key: string, schema: z.ZodType<Value>): Promise<Value | null> {
    const { store } = this.#objects;
    const sizeBytes = await store.size(key);
    if (sizeBytes === null || sizeBytes > maxDescriptionBytes) return null;
    const bytes = await store.get(key);
    if (bytes === null) return null;
    try {
      return schema.parse(JSON.parse(new TextDecoder().decode(bytes)));
    } catch (error) {
      this.#logger.warn({ key, err: error }, 'a description of a recording cannot be read');
      return null;
    }
  }
}
