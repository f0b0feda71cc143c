// One live broadcast from frames to playlists: transcoder → packagers → digests → store → list.
// A WHIP session writes into it; what it lists, the origin serves.

import { randomInt } from 'node:crypto';
import type { Logger } from 'pino';
import type { LadderRung } from './environment.ts';
import { Packager, type PackagerOutput } from './hls/packager.ts';
import type { LiveRendition } from './origin/live-rendition.ts';
import type { LiveStreams, Presentation } from './origin/live-stream.ts';
import type { MediaObjects } from './origin/media-objects.ts';
import { mediaKey } from './origin/object-keys.ts';
import type { RecordingArchive } from './origin/recording-archive.ts';
import {
  initSectionName,
  makeRecordingId,
  type RecordingId,
  type StreamId,
  segmentName,
} from './protocol/index.ts';
import type { EncodedFrame } from './rtp/encoded-frame.ts';
import type { Ffmpeg } from './transcode/ffmpeg-resolver.ts';
import { Transcoder, type TranscoderExit, type TranscoderStart } from './transcode/transcoder.ts';
import type { BroadcastSink, PublisherControl, SessionCloseReason } from './whip/broadcast-sink.ts';

export interface BroadcastOptions {
  readonly stream: StreamId;
  readonly publisher: PublisherControl;
  readonly ffmpeg: Ffmpeg;
  readonly ladder: readonly LadderRung[];
  readonly segmentSeconds: number;
  readonly streams: LiveStreams;
  readonly objects: MediaObjects;
  /** `null` keeps the live window only. */
  readonly archive: RecordingArchive | null;
  readonly logger: Logger;
  /** Told of each listed segment: the time since its last frame was captured. */
  readonly onListed: (sinceCaptureSeconds: number) => void;
  /** Told once, at the end. */
  readonly onFramesDropped: (count: number) => void;
}

/** Segments that may wait for the store; more means that it has stopped. */
const maxQueuedOutputs = 32;
/** Segments between two checkpoints of a recording: what a crash can lose. */
const checkpointSegments = 5;
/** Windows that stay in the store without a recording, for slow clients. */
const keptWindows = 2;
/** The encoder's configuration is constant within a broadcast. */
const generation = 0;

function newRecordingId(startedAt: Date): RecordingId {
  const letters = Array.from({ length: 6 }, () => randomInt(36).toString(36));
  return makeRecordingId(startedAt, letters.join(''));
}

/** One rendition on its way to the store. Outputs are stored and listed one after the other. */
interface Lane {
  readonly rendition: LiveRendition;
  readonly packager: Packager;
  queue: Promise<void>;
  queuedCount: number;
  /** Lowest number that may still be in the store. */
  oldestStored: number;
}

export class Broadcast implements BroadcastSink {
  readonly #options: BroadcastOptions;
  readonly #presentation: Presentation;
  readonly #transcoder: Transcoder;
  readonly #logger: Logger;
  #lanes: readonly Lane[] = [];
  #originTimeMs = 0;
  #checkpoints: Promise<void> = Promise.resolve();
  #checkpointCount = 0;
  #hasFailed = false;
  #closing: Promise<void> | null = null;

  constructor(options: BroadcastOptions) {
    const { stream, ffmpeg, ladder, segmentSeconds } = options;
    const startedAt = new Date();
    this.#options = options;
    this.#presentation = options.streams.begin(stream, newRecordingId(startedAt), startedAt);
    this.#logger = options.logger.child({ recording: this.#presentation.recording });
    this.#transcoder = new Transcoder({
      ffmpeg,
      ladder,
      segmentSeconds,
      media: options.publisher.media,
      logger: this.#logger,
      onStart: (start) => this.#onStart(start),
      onOutput: (index, chunk) => this.#onOutput(index, chunk),
      onExit: (exit) => this.#onExit(exit),
    });
    this.#logger.info('broadcast started');
  }

  writeFrame(frame: EncodedFrame): void {
    this.#transcoder.writeFrame(frame);
  }

  close(reason: SessionCloseReason): Promise<void> {
    this.#closing ??= this.#close(reason);
    return this.#closing;
  }

  async #close(reason: SessionCloseReason): Promise<void> {
    await this.#transcoder.close();
    await Promise.all(this.#lanes.map(({ queue }) => queue));
    this.#presentation.end(new Date());
    await this.#checkpoints;
    const { archive } = this.#options;
    try {
      await archive?.finish(this.#presentation.description, new Date());
    } catch (error) {
      this.#logger.error({ err: error }, 'the recording could not be finished');
    }
    this.#options.onFramesDropped(this.#transcoder.stats.framesDropped);
    this.#logger.info({ reason, ...this.#transcoder.stats }, 'broadcast ended');
  }

  /** The session is told, and closes this broadcast in turn. */
  #fail(message: string, error?: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#logger.error({ err: error }, message);
    this.#options.publisher
      .close('broadcast-failed')
      .catch((cause) => this.#logger.error({ err: cause }, 'the session could not be closed'));
  }

  #onStart({ renditions, originTimeMs }: TranscoderStart): void {
    this.#originTimeMs = originTimeMs;
    this.#presentation.announce(
      renditions.map(({ name, video, audioBitrateBps }) => ({
        name,
        videoBitrateBps: video?.bitrateBps ?? 0,
        audioBitrateBps: audioBitrateBps ?? 0,
      })),
    );
    const { firstSequenceNumber } = this.#presentation;
    const { segmentSeconds } = this.#options;
    this.#lanes = this.#presentation.renditions.map((rendition) => ({
      rendition,
      packager: new Packager({ segmentSeconds, firstSequenceNumber }),
      queue: Promise.resolve(),
      queuedCount: 0,
      oldestStored: firstSequenceNumber,
    }));
  }

  #onOutput(index: number, chunk: Uint8Array): void {
    const lane = this.#lanes[index];
    if (lane === undefined || this.#hasFailed) return;
    try {
      for (const output of lane.packager.push(chunk)) this.#enqueue(lane, output);
    } catch (error) {
      this.#fail('ffmpeg wrote what the packager cannot read', error);
    }
  }

  #onExit({ outcome, message }: TranscoderExit): void {
    for (const lane of this.#hasFailed ? [] : this.#lanes) {
      for (const output of lane.packager.end()) this.#enqueue(lane, output);
    }
    if (outcome === 'failed') this.#fail(`ffmpeg failed: ${message}`);
    else if (message !== '') this.#logger.debug({ ffmpeg: message }, 'ffmpeg had remarks');
  }

  #enqueue(lane: Lane, output: PackagerOutput): void {
    if (lane.queuedCount >= maxQueuedOutputs) {
      this.#fail(`the origin store is behind by ${lane.queuedCount} segments`);
      return;
    }
    lane.queuedCount += 1;
    lane.queue = lane.queue.then(async () => {
      try {
        // After a failure nothing more is listed: numbers would have a hole.
        if (!this.#hasFailed) await this.#publish(lane, output);
      } catch (error) {
        this.#fail('a segment could not be published', error);
      } finally {
        lane.queuedCount -= 1;
      }
    });
  }

  async #publish(lane: Lane, output: PackagerOutput): Promise<void> {
    const { rendition } = lane;
    const { objects } = this.#options;
    if (output.kind === 'init-section') {
      const key = this.#keyOf(rendition, initSectionName(generation));
      const digest = await objects.put(key, output.bytes);
      rendition.addInitSection(generation, digest, output.description);
      return;
    }
    const { sequenceNumber, durationSeconds, startSeconds, frameCount, bytes } = output;
    // In the store before it is listed: whoever reads the playlist can read the segment.
    const digest = await objects.put(this.#keyOf(rendition, segmentName(sequenceNumber)), bytes);
    const programDateTimeMs = this.#originTimeMs + startSeconds * 1000;
    const sizeBytes = bytes.length;
    rendition.list(
      { sequenceNumber, durationSeconds, programDateTimeMs, digest, sizeBytes, generation },
      frameCount,
    );
    this.#options.onListed((Date.now() - programDateTimeMs) / 1000 - durationSeconds);
    if (this.#options.archive === null) await this.#evict(lane);
    else this.#checkpointAfter(lane, sequenceNumber);
  }

  #keyOf(rendition: LiveRendition, name: string): string {
    return mediaKey(this.#presentation, rendition.name, name);
  }

  /** Forgets what has left the window for a whole window's length. */
  async #evict(lane: Lane): Promise<void> {
    const { firstSequenceNumber, lastSequenceNumber } = lane.rendition;
    if (firstSequenceNumber === null || lastSequenceNumber === null) return;
    const windowCount = lastSequenceNumber - firstSequenceNumber + 1;
    const oldestKept = lastSequenceNumber + 1 - keptWindows * windowCount;
    for (; lane.oldestStored < oldestKept; lane.oldestStored += 1) {
      await this.#options.objects.delete(
        this.#keyOf(lane.rendition, segmentName(lane.oldestStored)),
      );
    }
  }

  #checkpointAfter(lane: Lane, sequenceNumber: number): void {
    const { archive } = this.#options;
    const count = sequenceNumber - this.#presentation.firstSequenceNumber;
    if (archive === null || lane !== this.#lanes.at(-1) || count % checkpointSegments !== 0) return;
    const part = this.#checkpointCount;
    this.#checkpointCount += 1;
    const description = this.#presentation.takeCheckpoint();
    this.#checkpoints = this.#checkpoints
      .then(() => archive.checkpoint(description, part))
      .catch((error) => this.#logger.warn({ err: error }, 'a checkpoint could not be saved'));
  }
}
