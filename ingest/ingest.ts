// The composition root of ingest: wires WHIP → broadcast → origin on one HTTP server, and closes
// the stages in reverse. `main.ts` and the local start run it; tests start it on port 0.

import path from 'node:path';
import type { FastifyInstance } from 'fastify';
import { Broadcast } from './broadcast.ts';
import { registerCluster } from './cluster/cluster-routes.ts';
import { LeaseRegistry } from './cluster/lease-registry.ts';
import type { IngestOptions } from './config.ts';
import { IngestError } from './errors.ts';
import { createHttpServer } from './http-server.ts';
import { IngestMetrics } from './metrics.ts';
import { DiskStore } from './origin/disk-store.ts';
import { EgressMeter } from './origin/egress-meter.ts';
import { withoutLostSegments } from './origin/left-broadcast.ts';
import { LeftRecordings } from './origin/left-recordings.ts';
import { LiveStreams } from './origin/live-stream.ts';
import { MediaObjects } from './origin/media-objects.ts';
import { MemoryStore } from './origin/memory-store.ts';
import { mediaPrefix } from './origin/object-keys.ts';
import { streamInfo } from './origin/origin-routes.ts';
import { registerOrigin } from './origin/origin-server.ts';
import type { OriginStore } from './origin/origin-store.ts';
import { RecordingArchive } from './origin/recording-archive.ts';
import type { RecordingSummary } from './origin/recording-description.ts';
import { registerRecordingRoutes } from './origin/recording-routes.ts';
import { RetentionKeeper } from './origin/retention.ts';
import { S3Store } from './origin/s3-store.ts';
import { SegmentSigner } from './origin/segment-signer.ts';
import { SpooledStore } from './origin/spooled-store.ts';
import { registerPages } from './page-routes.ts';
import {
  livePlaylistPath,
  type RecordingId,
  recordingPlaylistPath,
  type StreamId,
} from './protocol/index.ts';
import { registerStreamDetails, type StreamDetailsSources } from './stream-details.ts';
import { ThumbnailPlaces } from './thumbnail-maker.ts';
import { type Ffmpeg, resolveFfmpeg } from './transcode/ffmpeg-resolver.ts';
import { registerAdmission } from './webhooks/admission.ts';
import {
  type WebhookEvent,
  type WebhookEventType,
  WebhookSender,
} from './webhooks/webhook-sender.ts';
import type { BroadcastSink, PublisherControl } from './whip/broadcast-sink.ts';
import { authorizeByKeys } from './whip/stream-keys.ts';
import {
  defaultMaxSessions,
  registerWhipEndpoint,
  type WhipEndpoint,
} from './whip/whip-endpoint.ts';

interface Stages {
  readonly app: FastifyInstance;
  readonly ffmpeg: Ffmpeg;
  readonly objects: MediaObjects;
  readonly archive: RecordingArchive | null;
  readonly signer: SegmentSigner;
  /** `null` for an ingest that is alone. */
  readonly registry: LeaseRegistry | null;
}

async function openStore(options: IngestOptions): Promise<OriginStore> {
  const { store, s3, dataDirectory, logger } = options;
  if (store === 'memory') return new MemoryStore();
  if (store === 'disk') return DiskStore.start({ directory: path.join(dataDirectory, 'origin') });
  if (s3 === undefined) throw new RangeError('the store is a bucket without access keys');
  // The spooled store remembers what is read; its files are read once more at the most.
  const directory = path.join(dataDirectory, 'spool');
  const spool = await DiskStore.start({ directory, cacheBytes: 0 });
  return SpooledStore.start({ spool, remote: new S3Store({ ...s3, ...store }), logger });
}

/** The part of the store that metrics are about; `null` for stores that are on this machine. */
function spoolOf(store: OriginStore): SpooledStore | null {
  return store instanceof SpooledStore ? store : null;
}

function startRegistry(
  { cluster, maxSessions, logger }: IngestOptions,
  ingest: () => Ingest | null,
): Promise<LeaseRegistry | null> {
  if (cluster === undefined) return Promise.resolve(null);
  return LeaseRegistry.start({
    ...{ url: cluster.registryUrl, node: cluster.node, logger },
    maxSessions: maxSessions ?? defaultMaxSessions,
    sessionCount: () => ingest()?.sessionCount ?? 0,
    isActive: (stream) => ingest()?.isActive(stream) ?? false,
    onLost: (stream) => ingest()?.abandon(stream),
  });
}

/** What runs on another ingest, or may go on there, is left alone; so is all while nobody knows. */
function cutOffCheck(registry: LeaseRegistry | null) {
  if (registry === null) return undefined;
  return async (stream: StreamId): Promise<boolean> => {
    const { kind } = await registry.placeOf(stream);
    return !registry.isAway && (kind === 'here' || kind === 'nowhere');
  };
}

const wildcardHosts: readonly string[] = ['0.0.0.0', '[::]'];

/**
 * The tracker's two faces: the socket that players announce to and the page that shows savings.
 * One that listens everywhere is reached under the name by which the client reached this page.
 */
function trackerLinks(url: string | null, hostname: string) {
  if (url === null) return { tracker: null, dashboard: null };
  const reachable = new URL(url.replace(/^ws/, 'http'));
  if (wildcardHosts.includes(reachable.hostname)) reachable.hostname = hostname;
  const text = reachable.href.replace(/\/$/, '');
  return { tracker: text.replace(/^http/, 'ws'), dashboard: `${text}/` };
}

/** Where the tracker gives tokens to anybody (docs/tracker.md). */
function tokenUrlOf(trackerUrl: string | null, stream: string): string | null {
  return trackerUrl === null ? null : `${trackerUrl}api/v1/viewer-token?stream=${stream}`;
}

export class Ingest {
  readonly #options: IngestOptions;
  readonly #stages: Stages;
  readonly #streams: LiveStreams;
  readonly #egress = new EgressMeter();
  readonly #thumbnailPlaces = new ThumbnailPlaces();
  readonly #metrics: IngestMetrics;
  readonly #broadcasts = new Set<Broadcast>();
  readonly #retention: RetentionKeeper | null;
  readonly #left: LeftRecordings | null;
  readonly #webhooks: WebhookSender | null;
  #whip: WhipEndpoint | null = null;
  #trackerUrl: string | null;
  #url = '';
  #closing: Promise<void> | null = null;

  private constructor(options: IngestOptions, stages: Stages) {
    this.#options = options;
    this.#stages = stages;
    this.#trackerUrl = options.trackerUrl ?? null;
    this.#streams = new LiveStreams({
      segmentSeconds: options.segmentSeconds,
      windowSeconds: options.dvrSeconds,
      isRecorded: stages.archive !== null,
    });
    for (const { description, endedAt } of stages.archive?.cutOff ?? []) {
      this.#streams.restore(description, endedAt);
    }
    this.#retention = this.#keepRetention();
    this.#left = this.#finishLeft();
    const { webhook, logger } = options;
    this.#webhooks = webhook === undefined ? null : new WebhookSender({ target: webhook, logger });
    this.#metrics = new IngestMetrics({
      egress: this.#egress,
      streams: this.#streams,
      spool: spoolOf(stages.objects.store),
      webhooks: this.#webhooks,
      sessionCount: () => this.#whip?.sessionStatistics().length ?? 0,
    });
  }

  /**
   * Listens when it resolves.
   * @param signal ends the start, or the running service, as `close` does
   * @throws FfmpegNotFoundError, IngestError `store-unavailable`, or the error of the socket
   */
  static async start(options: IngestOptions, signal?: AbortSignal): Promise<Ingest> {
    signal?.throwIfAborted();
    const { logger } = options;
    const ffmpeg = await resolveFfmpeg({ configuredPath: options.ffmpegPath, logger });
    const objects = new MediaObjects(await openStore(options));
    const signer = await SegmentSigner.start({ directory: options.dataDirectory });
    const app = createHttpServer(logger);
    const running: { ingest: Ingest | null } = { ingest: null };
    const registry = await startRegistry(options, () => running.ingest);
    const archive =
      options.store === 'memory'
        ? null
        : await RecordingArchive.start({ objects, logger, isCutOff: cutOffCheck(registry) });
    const ingest = new Ingest(options, { app, ffmpeg, objects, archive, signer, registry });
    running.ingest = ingest;
    try {
      await ingest.#register();
      signal?.throwIfAborted();
      ingest.#url = await app.listen({ host: options.host, port: options.port });
    } catch (error) {
      await ingest.close('start failed');
      throw error;
    }
    signal?.addEventListener('abort', () => void ingest.close('aborted'), { once: true });
    logger.info({ url: ingest.#url }, 'ingest started');
    return ingest;
  }

  /** Where it listens, without a slash at the end. */
  get url(): string {
    return this.#url;
  }

  /** The URL as clients see it, without a slash at the end. */
  get publicUrl(): string {
    return this.#options.publicUrl ?? this.#url;
  }

  /** Whether somebody publishes the stream here, or is waited for. */
  isActive(stream: StreamId): boolean {
    const sessions = this.#whip?.sessionStatistics() ?? [];
    return (
      sessions.some((session) => session.stream === stream) ||
      [...this.#broadcasts].some((broadcast) => broadcast.stream === stream)
    );
  }

  /** Publishers at the moment. */
  get sessionCount(): number {
    return this.#whip?.sessionStatistics().length ?? 0;
  }

  /** Another ingest has the stream now: what is left of it here ends. */
  abandon(stream: StreamId): void {
    for (const broadcast of this.#broadcasts) {
      if (broadcast.stream === stream) void broadcast.abandon();
    }
  }

  /** From now on, pages send their players to this tracker. */
  announceTracker(url: string): void {
    this.#trackerUrl = url.replace(/\/+$/, '');
  }

  /**
   * Opens a broadcast as an accepted WHIP session does, or goes on with the one whose publisher
   * has vanished.
   * @throws IngestError while closing
   */
  openBroadcast(stream: StreamId, publisher: PublisherControl): BroadcastSink {
    if (this.#closing !== null) {
      throw new IngestError('limit-reached', 'The service is stopping; try again in a moment.');
    }
    const waiting = [...this.#broadcasts].find(
      (broadcast) => broadcast.stream === stream && broadcast.canResume(publisher),
    );
    return (waiting ?? this.#beginBroadcast(stream)).attach(publisher);
  }

  #beginBroadcast(stream: StreamId): Broadcast {
    const { ffmpeg, objects, archive, signer } = this.#stages;
    const { ladder, segmentSeconds, reconnectSeconds, logger } = this.#options;
    const previous = this.#streams.get(stream);
    for (const broadcast of this.#broadcasts) {
      if (broadcast.stream === stream) void broadcast.close('replaced');
    }
    const broadcast: Broadcast = new Broadcast({
      ...{ stream, ffmpeg, objects, archive, signer, ladder, segmentSeconds, reconnectSeconds },
      ...{ streams: this.#streams, thumbnailPlaces: this.#thumbnailPlaces },
      logger: logger.child({ streamId: stream }),
      events: {
        beforeListing: async (recording, sequenceNumber) =>
          this.#stages.registry?.noteSegment(stream, { recording, sequenceNumber }),
        onListed: (seconds) => this.#metrics.segmentListing.observe(Math.max(0, seconds)),
        onFramesDropped: (count) => this.#metrics.droppedFrames.inc(count),
        onEncoderRestart: () => this.#metrics.encoderRestarts.inc(),
        onRenditionShed: () => this.#metrics.shedRenditions.inc(),
        onPublisherReturned: () => this.#metrics.reconnects.inc(),
        onEvent: (type, recording) => this.#webhooks?.send(this.#eventOf(type, stream, recording)),
        onEnded: () => {
          this.#broadcasts.delete(broadcast);
          this.#retention?.check();
        },
      },
    });
    if (archive === null && previous !== null) {
      objects
        .deleteAll(mediaPrefix(stream, previous.recording))
        .catch((error) => logger.warn({ err: error }, 'old media could not be removed'));
    }
    this.#broadcasts.add(broadcast);
    return broadcast;
  }

  /** Ends the live playlists, then the server. Idempotent. */
  close(reason: string): Promise<void> {
    this.#closing ??= this.#close(reason);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close('disposed');
  }

  async #close(reason: string): Promise<void> {
    await this.#whip?.close('shutdown');
    await Promise.all([...this.#broadcasts].map((broadcast) => broadcast.close('shutdown')));
    await this.#retention?.close();
    await this.#left?.close();
    await this.#webhooks?.close();
    await this.#stages.registry?.close();
    await this.#stages.app.close();
    await this.#stages.objects.store.close();
    this.#metrics.close();
    this.#options.logger.info({ reason }, 'ingest stopped');
  }

  #eventOf(type: WebhookEventType, stream: StreamId, recording: RecordingId): WebhookEvent {
    const isRecorded = type === 'recording.ready';
    const path = isRecorded ? recordingPlaylistPath(stream, recording) : livePlaylistPath(stream);
    return { type, stream, recording, playlistUrl: `${this.publicUrl}${path}` };
  }

  #keepRetention(): RetentionKeeper | null {
    const { retention: policy, logger } = this.#options;
    const { archive } = this.#stages;
    if (archive === null || policy === undefined) return null;
    const onDeleted = ({ stream, recording }: RecordingSummary): void =>
      this.#streams.forget(stream, recording);
    return new RetentionKeeper({ archive, policy, logger, onDeleted });
  }

  /** Recordings of nodes that died, once nobody waits for their publishers any more. */
  #finishLeft(): LeftRecordings | null {
    const { archive, registry } = this.#stages;
    const { logger } = this.#options;
    if (archive === null || registry === null) return null;
    return new LeftRecordings({
      ...{ archive, logger },
      isLeft: async (stream) => {
        if (this.isActive(stream)) return false;
        const { kind } = await registry.placeOf(stream);
        return kind === 'nowhere' && registry.isSettled;
      },
      onFinished: ({ description, endedAt }) => this.#streams.restore(description, endedAt),
    });
  }

  async #register(): Promise<void> {
    const { app, objects, archive, signer } = this.#stages;
    const { segmentSeconds, streamKeys, announcedIps, udpPorts, iceServers } = this.#options;
    const { adminToken, maxSessions, maxSessionsPerAddress, logger } = this.#options;
    const { pagesDirectory, playerDirectory, isTokenEndpointOpen } = this.#options;
    const { admission } = this.#options;
    if (admission !== undefined) registerAdmission(app, admission);
    const { registry } = this.#stages;
    if (registry !== null) {
      registerCluster(app, {
        registry,
        isActive: (stream) => this.isActive(stream),
        isFull: () => this.sessionCount >= (maxSessions ?? defaultMaxSessions),
        adopt: (stream) => this.#adopt(stream),
      });
    }
    this.#whip = registerWhipEndpoint(app, {
      authorize: authorizeByKeys(streamKeys),
      openBroadcast: (stream, publisher) => this.openBroadcast(stream, publisher),
      keyframeIntervalMs: segmentSeconds * 1000,
      ...{ announcedIps, udpPorts, iceServers, maxSessions, maxSessionsPerAddress, logger },
      limits: this.#options.publisherLimits,
    });
    await registerOrigin(app, {
      streams: this.#streams,
      egress: this.#egress,
      publicUrl: () => this.publicUrl,
      integrityKey: signer.publicKey,
      ...{ objects, archive, segmentSeconds },
    });
    registerStreamDetails(app, this.#detailsSources());
    registerRecordingRoutes(app, { streams: this.#streams, archive, adminToken });
    const [defaultStream = 'demo'] = streamKeys.keys();
    await registerPages(app, {
      settingsOf: (stream, hostname) => {
        const links = trackerLinks(this.#trackerUrl, hostname);
        return {
          stream,
          ...links,
          tokenUrl: isTokenEndpointOpen === true ? tokenUrlOf(links.dashboard, stream) : null,
          integrityKey: signer.publicKey.x,
        };
      },
      ...{ pagesDirectory, playerDirectory, defaultStream },
    });
    this.#registerStatus(app);
  }

  async #adopt(stream: StreamId): Promise<void> {
    const { archive, objects, registry } = this.#stages;
    const { logger } = this.#options;
    try {
      const left = (await archive?.adopt(stream)) ?? null;
      if (left === null) return;
      const known = await withoutLostSegments(left, objects.store);
      const last = (await registry?.lastSegment(stream)) ?? null;
      const isOfIt = last?.recording === left.recording;
      this.#streams.adopt(known, isOfIt ? last.sequenceNumber : null);
      logger.info({ streamId: stream }, 'broadcast taken over from another ingest');
    } catch (error) {
      // Who publishes does not wait for the store; players of an earlier broadcast start anew.
      logger.warn({ err: error, streamId: stream }, 'nobody can say what was broadcast before');
    }
  }

  #detailsSources(): StreamDetailsSources {
    const context = { egress: this.#egress, publicUrl: () => this.publicUrl };
    return {
      infoOf: (stream) => {
        const presentation = this.#streams.get(stream);
        return presentation === null ? null : streamInfo(presentation, context);
      },
      broadcastOf: (stream) =>
        [...this.#broadcasts].find((item) => item.stream === stream)?.statistics ?? null,
      sessions: () => this.#whip?.sessionStatistics() ?? [],
    };
  }

  #registerStatus(app: FastifyInstance): void {
    app.get('/healthz', async () => ({ status: 'ok' }));
    app.get('/readyz', async (_request, reply) => {
      if (this.#closing === null) return { status: 'ready' };
      return reply.code(503).send({ status: 'stopping' });
    });
    app.get('/metrics', async (_request, reply) => {
      reply.type(this.#metrics.registry.contentType);
      return this.#metrics.registry.metrics();
    });
  }
}

export { type IngestOptions, type IngestSetup, ingestSetup } from './config.ts';
export { FfmpegNotFoundError } from './transcode/ffmpeg-resolver.ts';
