// One live broadcast: its publisher, who may vanish and come back, and the encoder, which may die
// and is restarted. WHIP sessions write into it, rows of segments go on to the row publisher.

import { randomInt } from 'node:crypto';
import type { Logger } from 'pino';
import { Encoding } from './encoding.ts';
import type { LadderRung } from './environment.ts';
import type { OutputRow } from './hls/output-rows.ts';
import type { LiveStreams, Presentation } from './origin/live-stream.ts';
import type { MediaObjects } from './origin/media-objects.ts';
import type { RecordingArchive } from './origin/recording-archive.ts';
import type { SegmentSigner } from './origin/segment-signer.ts';
import {
  type EncoderInfo,
  makeRecordingId,
  type RecordingId,
  type StreamId,
} from './protocol/index.ts';
import { storePoster } from './recording-poster.ts';
import { RowPublisher } from './row-publisher.ts';
import type { EncodedFrame } from './rtp/encoded-frame.ts';
import { ThumbnailMaker, type ThumbnailPlaces } from './thumbnail-maker.ts';
import type { Ffmpeg } from './transcode/ffmpeg-resolver.ts';
import type { Rendition } from './transcode/fit-ladder.ts';
import { LagWatch } from './transcode/lag-watch.ts';
import { renditionToShed } from './transcode/shed-rendition.ts';
import type { WebhookEventType } from './webhooks/webhook-sender.ts';
import type { BroadcastSink, PublisherControl, SessionCloseReason } from './whip/broadcast-sink.ts';

export interface BroadcastOptions {
  readonly stream: StreamId;
  readonly ffmpeg: Ffmpeg;
  readonly ladder: readonly LadderRung[];
  readonly segmentSeconds: number;
  /** How long a publisher that vanished may stay away; 0 ends the broadcast at once. */
  readonly reconnectSeconds: number;
  readonly streams: LiveStreams;
  readonly objects: MediaObjects;
  /** `null` keeps the live window only. */
  readonly archive: RecordingArchive | null;
  readonly signer: SegmentSigner;
  readonly thumbnailPlaces: ThumbnailPlaces;
  readonly logger: Logger;
  readonly events: BroadcastEvents;
}

/** What the composition root counts and tells others. */
export interface BroadcastEvents {
  /** Viewers are about to see a segment of every rendition; they do when this resolves. */
  beforeListing(recording: RecordingId, sequenceNumber: number): Promise<void>;
  /** Told of each listed row: the time since its last frame was captured. */
  onListed(sinceCaptureSeconds: number): void;
  /** Told at the end of each run of the encoder. */
  onFramesDropped(count: number): void;
  onEncoderRestart(): void;
  /** The encoder was too slow for one of its renditions. */
  onRenditionShed(): void;
  onPublisherReturned(): void;
  /** What others may want to know; nothing before `stream.started`. */
  onEvent(type: WebhookEventType, recording: RecordingId): void;
  /** Told once, when everything is finished. */
  onEnded(): void;
}

/** What the API tells of a running broadcast. */
export type BroadcastStatistics = EncoderInfo;

/** Rows that may wait for the store; more means that it has stopped. */
const maxQueuedRows = 32;
/** Runs of the encoder that may fail one after the other without a segment. */
const maxFruitlessRuns = 3;

function newRecordingId(startedAt: Date): RecordingId {
  const letters = Array.from({ length: 6 }, () => randomInt(36).toString(36));
  return makeRecordingId(startedAt, letters.join(''));
}

type Totals = { -readonly [Name in keyof BroadcastStatistics]: BroadcastStatistics[Name] };

const noFrames = { framesWritten: 0, framesDropped: 0 } as const;

/** One run of the encoder for one publisher. */
interface Run {
  readonly publisher: PublisherControl;
  readonly encoding: Encoding;
  readonly lag: LagWatch;
  originTimeMs: number;
  renditionNames: readonly string[];
  /** Its rows on their way, behind those of the run before. */
  queue: Promise<void>;
  queuedCount: number;
}

export class Broadcast {
  readonly #options: BroadcastOptions;
  readonly #presentation: Presentation;
  readonly #rows: RowPublisher;
  readonly #thumbnails: ThumbnailMaker;
  readonly #logger: Logger;
  #renditions: readonly Rendition[] | null = null;
  #run: Run | null = null;
  /** Resolves when every row of the finished runs is listed. */
  #earlierRuns: Promise<void> = Promise.resolve();
  /** Of the finished runs. */
  readonly #totals: Totals = {
    ...{ reconnects: 0, restarts: 0, shedRenditions: 0, writtenFrames: 0, droppedFrames: 0 },
    listingDelaySeconds: null,
  };
  #fruitlessRuns = 0;
  /** Publishers whose pictures cannot go to viewers as they are. */
  readonly #encodedPublishers = new WeakSet<PublisherControl>();
  #poster: Promise<void> = Promise.resolve();
  #hasFailed = false;
  #reconnectTimer: NodeJS.Timeout | null = null;
  /** Who vanished last. */
  #missing: PublisherControl | null = null;
  #closing: Promise<void> | null = null;

  constructor(options: BroadcastOptions) {
    const { streams, stream, objects, archive, signer, events } = options;
    const startedAt = new Date();
    this.#options = options;
    this.#presentation = streams.begin(stream, newRecordingId(startedAt), startedAt);
    this.#logger = options.logger.child({ recording: this.#presentation.recording });
    this.#thumbnails = new ThumbnailMaker({
      ...{ ffmpeg: options.ffmpeg, objects, presentation: this.#presentation },
      ...{ places: options.thumbnailPlaces, isRecorded: archive !== null, logger: this.#logger },
    });
    this.#rows = new RowPublisher({
      ...{ presentation: this.#presentation, objects, archive, signer, logger: this.#logger },
      beforeListing: (number) => events.beforeListing(this.#presentation.recording, number),
      onListed: (seconds) => {
        this.#totals.listingDelaySeconds = seconds;
        events.onListed(seconds);
        this.#thumbnails.consider();
      },
      onPlayable: () => {
        this.#tell('stream.started');
        if (archive !== null) this.#poster = this.#storePoster();
      },
    });
    this.#logger.info('broadcast started');
  }

  get statistics(): BroadcastStatistics {
    const { framesWritten, framesDropped } = this.#run?.encoding.stats ?? noFrames;
    const { writtenFrames, droppedFrames } = this.#totals;
    return {
      ...this.#totals,
      writtenFrames: writtenFrames + framesWritten,
      droppedFrames: droppedFrames + framesDropped,
    };
  }

  get stream(): StreamId {
    return this.#options.stream;
  }

  /** Whether it waits for a publisher like this one. Pictures cannot be made from sound alone. */
  canResume(publisher: PublisherControl): boolean {
    if (this.#closing !== null || this.#run !== null) return false;
    const hasPicture = this.#renditions?.some(({ video }) => video !== null) ?? false;
    return publisher.media.hasVideo || !hasPicture;
  }

  /** Begins with its first publisher, or goes on with another one. */
  attach(publisher: PublisherControl): BroadcastSink {
    if (this.#reconnectTimer !== null) {
      this.#stopWaiting();
      this.#totals.reconnects += 1;
      this.#options.events.onPublisherReturned();
      this.#tell('stream.resumed');
      this.#logger.info('publisher is back');
    }
    this.#presentation.setInterrupted(false);
    this.#startRun(publisher);
    return {
      writeFrame: (frame) => {
        if (this.#run?.publisher === publisher) this.#write(this.#run, frame);
      },
      close: (reason) => this.#detach(publisher, reason),
    };
  }

  /** A source that is passed through and changes, or is turned, goes on behind a discontinuity. */
  #write(run: Run, frame: EncodedFrame): void {
    if (run.lag.staysBehind(run.encoding.lagMs, performance.now()) && this.#shed(run)) return;
    const verdict = run.encoding.judge(frame);
    if (verdict === 'goes-on') {
      // Only a keyframe can begin another encoding; up to it the picture lies on its side.
      const needsKeyframe = frame.kind === 'video' && run.encoding.needsKeyframe;
      if (needsKeyframe || run.encoding.isTurned(frame)) run.publisher.requestKeyframe();
      run.encoding.writeFrame(frame);
      return;
    }
    const { publisher } = run;
    if (verdict === 'keyframes-too-rare') this.#encodedPublishers.add(publisher);
    this.#logger.info({ verdict }, 'the source is not what it was: the encoding begins anew');
    this.#retireRun();
    this.#startRun(publisher).encoding.writeFrame(frame);
  }

  /**
   * The encoder stays behind real time: the others go on without the most expensive rendition.
   * @returns `false` when there is none to do without
   */
  #shed(run: Run): boolean {
    const renditions = this.#renditions ?? [];
    const rendition = renditionToShed(renditions, run.encoding.isPassthrough);
    if (rendition === null) return false;
    this.#renditions = renditions.filter((other) => other !== rendition);
    this.#totals.shedRenditions += 1;
    this.#options.events.onRenditionShed();
    const lagMs = Math.round(run.encoding.lagMs);
    this.#logger.warn(
      { rendition: rendition.name, lagMs },
      'the encoder is too slow: its most expensive rendition ends',
    );
    this.#retireRun();
    this.#startRun(run.publisher);
    run.publisher.requestKeyframe();
    return true;
  }

  /** Ends the playlists and finishes the recording; idempotent. */
  close(reason: SessionCloseReason): Promise<void> {
    this.#closing ??= this.#close(reason);
    return this.#closing;
  }

  /** Another server has the stream now: the publisher here is sent away. */
  async abandon(): Promise<void> {
    const publisher = this.#run?.publisher;
    await publisher?.close('replaced');
    await this.close('replaced');
  }

  async #close(reason: SessionCloseReason): Promise<void> {
    this.#stopWaiting();
    this.#retireRun();
    await this.#earlierRuns;
    this.#presentation.end(new Date());
    this.#tell('stream.ended');
    await Promise.all([this.#rows.settle(), this.#poster, this.#thumbnails.settle()]);
    try {
      await this.#options.archive?.finish(this.#presentation.describe(), new Date());
      if (this.#options.archive !== null) this.#tell('recording.ready');
    } catch (error) {
      this.#logger.error({ err: error }, 'the recording could not be finished');
    }
    this.#logger.info({ reason }, 'broadcast ended');
    this.#options.events.onEnded();
  }

  /** RFC 9725 §4.2: a DELETE is a goodbye; whoever vanishes without it may come back. */
  #detach(publisher: PublisherControl, reason: SessionCloseReason): Promise<void> {
    const isGoodbye = ['deleted', 'shutdown', 'over-limit'].includes(reason) || this.#hasFailed;
    const { reconnectSeconds } = this.#options;
    if (this.#closing !== null) return this.#closing;
    if (this.#run?.publisher !== publisher) {
      // Many clients close their connection first and say goodbye when it is lost already.
      const isAwaited = this.#missing === publisher && this.#reconnectTimer !== null;
      return isGoodbye && isAwaited ? this.close(reason) : this.#earlierRuns;
    }
    if (isGoodbye || reconnectSeconds === 0) return this.close(reason);
    this.#retireRun();
    this.#missing = publisher;
    this.#presentation.setInterrupted(true);
    this.#tell('stream.reconnecting');
    this.#reconnectTimer = setTimeout(() => void this.close(reason), reconnectSeconds * 1000);
    this.#logger.info({ reason, reconnectSeconds }, 'broadcast waits for its publisher');
    return this.#earlierRuns;
  }

  /** Only of broadcasts that somebody could watch. */
  #tell(type: WebhookEventType): void {
    if (this.#presentation.snapshot === null) return;
    this.#options.events.onEvent(type, this.#presentation.recording);
  }

  async #storePoster(): Promise<void> {
    const { ffmpeg, objects } = this.#options;
    try {
      const isStored = await storePoster(ffmpeg, objects, this.#presentation);
      this.#logger.debug({ isStored }, 'poster made');
    } catch (error) {
      this.#logger.warn({ err: error }, 'the poster could not be stored');
    }
  }

  #stopWaiting(): void {
    if (this.#reconnectTimer !== null) clearTimeout(this.#reconnectTimer);
    this.#reconnectTimer = null;
  }

  #startRun(publisher: PublisherControl): Run {
    const { ffmpeg, ladder, segmentSeconds } = this.#options;
    const { media } = publisher;
    const run: Run = {
      publisher,
      lag: new LagWatch(segmentSeconds * 1000),
      originTimeMs: 0,
      renditionNames: [],
      queue: this.#earlierRuns,
      queuedCount: 0,
      encoding: new Encoding({
        ...{ ffmpeg, ladder, segmentSeconds, media },
        renditions: this.#renditions,
        allowsPassthrough: !this.#encodedPublishers.has(publisher),
        logger: this.#logger,
        onStart: ({ renditions, originTimeMs }) => {
          run.originTimeMs = originTimeMs;
          run.renditionNames = renditions.map(({ name }) => name);
          this.#announce(renditions);
        },
        onRow: (row) => this.#enqueue(run, row),
        onFailure: (message, error) => this.#onEncodingFailure(run, message, error),
      }),
    };
    this.#run = run;
    return run;
  }

  /** The first source decides on the renditions; later ones are scaled into them. */
  #announce(renditions: readonly Rendition[]): void {
    if (this.#renditions !== null) return;
    this.#renditions = renditions;
    this.#presentation.announce(
      renditions.map(({ name, video, audioBitrateBps, isSource }) => ({
        name,
        isEstimate: isSource === true,
        videoBitrateBps: video?.bitrateBps ?? 0,
        audioBitrateBps: audioBitrateBps ?? 0,
      })),
    );
  }

  /** Nothing more goes into the encoder; what it still gives is listed before all that follows. */
  #retireRun(): void {
    const run = this.#run;
    this.#run = null;
    if (run !== null) this.#earlierRuns = this.#finishRun(run);
  }

  async #finishRun(run: Run): Promise<void> {
    await run.encoding.close();
    await run.queue;
    const { stats } = run.encoding;
    this.#totals.writtenFrames += stats.framesWritten;
    this.#totals.droppedFrames += stats.framesDropped;
    this.#options.events.onFramesDropped(stats.framesDropped);
    this.#logger.debug(stats, 'encoding finished');
  }

  #onEncodingFailure(run: Run, message: string, error: unknown): void {
    if (this.#run !== run || this.#hasFailed) return;
    this.#fruitlessRuns += 1;
    if (this.#fruitlessRuns >= maxFruitlessRuns) {
      this.#fail(message, error);
      return;
    }
    this.#logger.warn({ err: error, reason: message }, 'the encoder is started again');
    this.#totals.restarts += 1;
    this.#options.events.onEncoderRestart();
    this.#retireRun();
    this.#startRun(run.publisher);
    run.publisher.requestKeyframe();
  }

  /** The session is told, and closes this broadcast in turn. */
  #fail(message: string, error?: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#logger.error({ err: error }, message);
    const publisher = this.#run?.publisher;
    publisher
      ?.close('broadcast-failed')
      .catch((cause) => this.#logger.error({ err: cause }, 'the session could not be closed'));
    void this.close('broadcast-failed');
  }

  #enqueue(run: Run, row: OutputRow): void {
    if (this.#hasFailed) return;
    if (row[0]?.kind === 'segment') this.#fruitlessRuns = 0;
    if (run.queuedCount >= maxQueuedRows) {
      this.#fail(`the origin store is behind by ${run.queuedCount} segments`);
      return;
    }
    run.queuedCount += 1;
    run.queue = run.queue.then(async () => {
      try {
        // After a failure nothing more is listed: numbers would have a hole.
        if (!this.#hasFailed) await this.#rows.publish(row, run);
      } catch (error) {
        this.#fail('a segment could not be published', error);
      } finally {
        run.queuedCount -= 1;
      }
    });
  }
}
