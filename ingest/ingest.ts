// The composition root of ingest: wires WHIP → broadcast → origin on one HTTP server, and closes
// the stages in reverse. `main.ts` and the local start run it; tests start it on port 0.

import path from 'node:path';
import type { FastifyInstance } from 'fastify';
import { Broadcast } from './broadcast.ts';
import type { IngestOptions } from './config.ts';
import { IngestError } from './errors.ts';
import { createHttpServer } from './http-server.ts';
import { IngestMetrics } from './metrics.ts';
import { DiskStore } from './origin/disk-store.ts';
import { EgressMeter } from './origin/egress-meter.ts';
import { LiveStreams } from './origin/live-stream.ts';
import { MediaObjects } from './origin/media-objects.ts';
import { MemoryStore } from './origin/memory-store.ts';
import { mediaPrefix } from './origin/object-keys.ts';
import { registerOrigin } from './origin/origin-server.ts';
import type { OriginStore } from './origin/origin-store.ts';
import { RecordingArchive } from './origin/recording-archive.ts';
import { registerPages } from './page-routes.ts';
import type { StreamId } from './protocol/index.ts';
import { type Ffmpeg, resolveFfmpeg } from './transcode/ffmpeg-resolver.ts';
import type { BroadcastSink, PublisherControl, SessionCloseReason } from './whip/broadcast-sink.ts';
import { authorizeByKeys } from './whip/stream-keys.ts';
import { registerWhipEndpoint, type WhipEndpoint } from './whip/whip-endpoint.ts';

interface Stages {
  readonly app: FastifyInstance;
  readonly ffmpeg: Ffmpeg;
  readonly objects: MediaObjects;
  readonly archive: RecordingArchive | null;
}

async function openStore(options: IngestOptions): Promise<OriginStore> {
  if (options.store === 'memory') return new MemoryStore();
  return DiskStore.start({ directory: path.join(options.dataDirectory, 'origin') });
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

export class Ingest {
  readonly #options: IngestOptions;
  readonly #stages: Stages;
  readonly #streams: LiveStreams;
  readonly #egress = new EgressMeter();
  readonly #metrics: IngestMetrics;
  readonly #broadcasts = new Set<Broadcast>();
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
    this.#metrics = new IngestMetrics({
      egress: this.#egress,
      streams: this.#streams,
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
    const archive =
      options.store === 'memory' ? null : await RecordingArchive.start({ objects, logger });
    const app = createHttpServer(logger);
    const ingest = new Ingest(options, { app, ffmpeg, objects, archive });
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

  /** From now on, pages send their players to this tracker. */
  announceTracker(url: string): void {
    this.#trackerUrl = url.replace(/\/+$/, '');
  }

  /** Opens a broadcast as an accepted WHIP session does. @throws IngestError while closing */
  openBroadcast(stream: StreamId, publisher: PublisherControl): BroadcastSink {
    if (this.#closing !== null) {
      throw new IngestError('limit-reached', 'The service is stopping; try again in a moment.');
    }
    const { ffmpeg, objects, archive } = this.#stages;
    const { ladder, segmentSeconds, logger } = this.#options;
    const previous = this.#streams.get(stream);
    const broadcast = new Broadcast({
      ...{ stream, publisher, ffmpeg, objects, archive, ladder, segmentSeconds },
      streams: this.#streams,
      logger: logger.child({ streamId: stream }),
      onListed: (seconds) => this.#metrics.segmentListing.observe(Math.max(0, seconds)),
      onFramesDropped: (count) => this.#metrics.droppedFrames.inc(count),
    });
    if (archive === null && previous !== null) {
      objects
        .deleteAll(mediaPrefix(stream, previous.recording))
        .catch((error) => logger.warn({ err: error }, 'old media could not be removed'));
    }
    this.#broadcasts.add(broadcast);
    return {
      writeFrame: (frame) => broadcast.writeFrame(frame),
      close: (reason) => this.#closeBroadcast(broadcast, reason),
    };
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
    const left = [...this.#broadcasts];
    await Promise.all(left.map((broadcast) => this.#closeBroadcast(broadcast, 'shutdown')));
    await this.#stages.app.close();
    this.#metrics.close();
    this.#options.logger.info({ reason }, 'ingest stopped');
  }

  async #closeBroadcast(broadcast: Broadcast, reason: SessionCloseReason): Promise<void> {
    await broadcast.close(reason);
    this.#broadcasts.delete(broadcast);
  }

  async #register(): Promise<void> {
    const { app, objects, archive } = this.#stages;
    const { segmentSeconds, streamKeys, announcedIps, udpPorts, iceServers } = this.#options;
    const { maxSessions, logger, pagesDirectory, playerDirectory } = this.#options;
    this.#whip = registerWhipEndpoint(app, {
      authorize: authorizeByKeys(streamKeys),
      openBroadcast: (stream, publisher) => this.openBroadcast(stream, publisher),
      keyframeIntervalMs: segmentSeconds * 1000,
      ...{ announcedIps, udpPorts, iceServers, maxSessions, logger },
    });
    await registerOrigin(app, {
      streams: this.#streams,
      egress: this.#egress,
      publicUrl: () => this.publicUrl,
      ...{ objects, archive, segmentSeconds },
    });
    const [defaultStream = 'demo'] = streamKeys.keys();
    await registerPages(app, {
      settingsOf: (stream, hostname) => ({ stream, ...trackerLinks(this.#trackerUrl, hostname) }),
      ...{ pagesDirectory, playerDirectory, defaultStream },
    });
    this.#registerStatus(app);
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
