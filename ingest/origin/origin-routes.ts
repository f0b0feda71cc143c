// What the origin answers: playlists and media of live streams and recordings, and their list. The
// server registers these handlers; they read the live streams, the archive and the store.

import type { FastifyReply, FastifyRequest } from 'fastify';
import { IngestError } from '../errors.ts';
import { targetDurationSeconds } from '../hls/target-duration.ts';
import {
  type IntegrityKey,
  livePlaylistPath,
  parseRecordingId,
  parseRenditionName,
  parseStreamId,
  pieceListHeader,
  type RecordingId,
  type RecordingInfo,
  type RenditionName,
  recordingPlaylistPath,
  recordingPosterPath,
  recordingThumbnailsPath,
  type StreamId,
  type StreamInfo,
  type StreamList,
} from '../protocol/index.ts';
import { parseDeliveryDirectives } from './blocking-reload.ts';
import { CodedBodies } from './content-coding.ts';
import type { EgressMeter } from './egress-meter.ts';
import type { PlaylistSnapshot } from './live-rendition.ts';
import type { LiveStreams, Presentation } from './live-stream.ts';
import type { MediaObjects } from './media-objects.ts';
import { mediaKey, posterKey, recordedPlaylistKey } from './object-keys.ts';
import { PieceLists } from './piece-digests.ts';
import type { RecordingArchive } from './recording-archive.ts';
import type { RecordingSummary } from './recording-description.ts';
import { sendResource } from './send-resource.ts';

export interface OriginOptions {
  readonly streams: LiveStreams;
  readonly objects: MediaObjects;
  /** `null` when nothing is recorded. */
  readonly archive: RecordingArchive | null;
  readonly egress: EgressMeter;
  readonly segmentSeconds: number;
  /** Checks the signatures in the playlists. */
  readonly integrityKey: IntegrityKey;
  /** URL of this origin as clients see it, without a slash at the end; asked at each request. */
  readonly publicUrl: () => string;
}

const playlistType = 'application/vnd.apple.mpegurl';
const immutable = 'public, max-age=31536000, immutable';
/** An ended live playlist gives way to the next broadcast of its stream. */
const endedLiveCache = 'public, max-age=10';
/** Short: who replaces the key wants the new one to be seen. */
const integrityKeyCache = 'public, max-age=300';
const recordedPlaylistCache = 'public, max-age=86400';
/** How long a reload may be held: RFC 8216bis §6.2.5.2 names three target durations. */
const maxHeldTargets = 3;
const mediaNamePattern = /^(?:\d{1,15}\.m4s|init-\d{1,9}\.mp4)$/;

interface Params {
  readonly stream?: string;
  readonly recording?: string;
  readonly rendition?: string;
  readonly name?: string;
}

/** What the URLs of the origin carry. */
export interface OriginRoute {
  Params: Params;
  Querystring: Readonly<Record<string, unknown>>;
}

/** A request of any route of the origin. */
export type OriginRequest = FastifyRequest<OriginRoute>;

function notFound(detail: string): IngestError {
  return new IngestError('resource-not-found', detail);
}

function streamOf({ stream }: Params): StreamId {
  const id = parseStreamId(stream ?? '');
  if (id === null) throw new IngestError('stream-not-found', 'No stream can have this name.');
  return id;
}

function renditionOf({ rendition }: Params): RenditionName {
  const name = parseRenditionName(rendition ?? '');
  if (name === null) throw notFound('No rendition can have this name.');
  return name;
}

function recordingOf({ recording }: Params): RecordingId {
  const id = parseRecordingId(recording ?? '');
  if (id === null) throw notFound('No recording can have this name.');
  return id;
}

function contentTypeOf(name: string): string {
  return name.endsWith('.m4s') ? 'video/iso.segment' : 'video/mp4';
}

/** What the list of streams says about one. */
export function streamInfo(
  presentation: Presentation,
  { publicUrl, egress }: Pick<OriginOptions, 'publicUrl' | 'egress'>,
): StreamInfo {
  const { stream, state, startedAt, endedAt, renditionInfos } = presentation;
  return {
    id: stream,
    state,
    startedAt: startedAt.toISOString(),
    endedAt: endedAt?.toISOString() ?? null,
    playlistUrl: `${publicUrl()}${livePlaylistPath(stream)}`,
    renditions: renditionInfos,
    originEgressBytes: egress.totalBytes(stream),
  };
}

export class OriginRoutes {
  readonly #options: OriginOptions;
  readonly #pieceLists = new PieceLists();
  readonly #codedBodies = new CodedBodies();
  /** Ends every held request when the server closes. */
  readonly #closing = new AbortController();

  constructor(options: OriginOptions) {
    this.#options = options;
  }

  close(): void {
    this.#closing.abort();
  }

  async livePlaylist(request: OriginRequest, reply: FastifyReply) {
    const presentation = this.#presentationOf(streamOf(request.params));
    return this.#sendLive(request, reply, presentation, presentation.snapshot);
  }

  async liveMediaPlaylist(request: OriginRequest, reply: FastifyReply) {
    const presentation = this.#presentationOf(streamOf(request.params));
    const name = renditionOf(request.params);
    const rendition = presentation.renditions.find((candidate) => candidate.name === name);
    const last = rendition?.lastSequenceNumber ?? null;
    if (rendition === undefined || last === null) {
      throw notFound(`The stream has no rendition ${name} now; read its multivariant playlist.`);
    }
    const awaited = parseDeliveryDirectives(request.query, rendition.isEnded ? Infinity : last);
    if (awaited !== null) {
      // A player is better served with what there is than with an error when the source stalls.
      const timeoutMs = maxHeldTargets * targetDurationSeconds(this.#options.segmentSeconds) * 1000;
      const gone = new AbortController();
      reply.raw.once('close', () => gone.abort());
      const signal = AbortSignal.any([gone.signal, this.#closing.signal]);
      await rendition.waitFor(awaited, timeoutMs, signal);
    }
    return this.#sendLive(request, reply, presentation, rendition.snapshot);
  }

  async recordedPlaylist(request: OriginRequest, reply: FastifyReply) {
    const stream = streamOf(request.params);
    const recording = recordingOf(request.params);
    const key = recordedPlaylistKey(stream, recording);
    return this.#sendRecordedPlaylist(request, reply, key);
  }

  async recordedMediaPlaylist(request: OriginRequest, reply: FastifyReply) {
    const stream = streamOf(request.params);
    const recording = recordingOf(request.params);
    const key = mediaKey({ stream, recording }, renditionOf(request.params), 'index.m3u8');
    return this.#sendRecordedPlaylist(request, reply, key);
  }

  async poster(request: OriginRequest, reply: FastifyReply) {
    const key = posterKey(streamOf(request.params), recordingOf(request.params));
    const object = await this.#options.objects.get(key);
    if (object === null) throw notFound('There is no such recording, or it has no pictures.');
    const contentType = 'image/jpeg';
    await sendResource(request, reply, { ...object, contentType, cacheControl: immutable });
  }

  async streamList(_request: OriginRequest, reply: FastifyReply): Promise<StreamList> {
    reply.header('cache-control', 'no-cache');
    return {
      streams: this.#options.streams.presentations.map((item) => streamInfo(item, this.#options)),
      recordings: (this.#options.archive?.summaries ?? []).map((item) => this.#recordingInfo(item)),
    };
  }

  async integrityKey(_request: OriginRequest, reply: FastifyReply): Promise<IntegrityKey> {
    reply.header('cache-control', integrityKeyCache);
    return this.#options.integrityKey;
  }

  #presentationOf(stream: StreamId): Presentation {
    const presentation = this.#options.streams.get(stream);
    if (presentation !== null) return presentation;
    throw new IngestError('stream-not-found', `Nobody has broadcast '${stream}' yet; try later.`);
  }

  async #sendLive(
    request: OriginRequest,
    reply: FastifyReply,
    presentation: Presentation,
    snapshot: PlaylistSnapshot | null,
  ): Promise<void> {
    if (snapshot === null) {
      const detail = `The broadcast of '${presentation.stream}' has no segment yet; try again soon.`;
      throw new IngestError('stream-not-found', detail);
    }
    const targetSeconds = targetDurationSeconds(this.#options.segmentSeconds);
    const isLive = presentation.state !== 'ended';
    await sendResource(request, reply, {
      bytes: new TextEncoder().encode(snapshot.text),
      digest: snapshot.digest,
      contentType: playlistType,
      codedBodies: this.#codedBodies,
      cacheControl: isLive ? `public, max-age=${Math.floor(targetSeconds / 2)}` : endedLiveCache,
    });
  }

  async #sendRecordedPlaylist(request: OriginRequest, reply: FastifyReply, key: string) {
    const object = await this.#options.objects.get(key);
    if (object === null) throw notFound('There is no such recording, or it is not finished yet.');
    const cacheControl = recordedPlaylistCache;
    const codedBodies = this.#codedBodies;
    const contentType = playlistType;
    await sendResource(request, reply, { ...object, contentType, cacheControl, codedBodies });
  }

  /** Segments and init sections, live and recorded. */
  async media(request: OriginRequest, reply: FastifyReply) {
    const stream = streamOf(request.params);
    const place = { stream, recording: recordingOf(request.params) };
    const { name = '' } = request.params;
    const object = mediaNamePattern.test(name)
      ? await this.#options.objects.get(mediaKey(place, renditionOf(request.params), name))
      : null;
    if (object === null) throw notFound('There is no such segment, or no longer.');
    if (name.endsWith('.m4s')) reply.header(pieceListHeader, this.#pieceLists.headerOf(object));
    await sendResource(request, reply, {
      ...object,
      contentType: contentTypeOf(name),
      cacheControl: immutable,
      onSent: (bytes) => this.#options.egress.add(stream, bytes),
    });
  }

  #recordingInfo(summary: RecordingSummary): RecordingInfo {
    const { recording, stream, hasPoster, hasThumbnails, ...rest } = summary;
    const base = this.#options.publicUrl();
    const playlistUrl = `${base}${recordingPlaylistPath(stream, recording)}`;
    const posterUrl = hasPoster ? `${base}${recordingPosterPath(stream, recording)}` : null;
    const thumbnailsUrl = hasThumbnails
      ? `${base}${recordingThumbnailsPath(stream, recording)}`
      : null;
    return { id: recording, stream, playlistUrl, posterUrl, thumbnailsUrl, ...rest };
  }
}
