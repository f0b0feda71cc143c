// Thumbnail tracks and their pictures over HTTP, live and recorded. The origin server registers
// these handlers beside those of playlists and media; the broadcast stores the pictures.

import type { FastifyReply } from 'fastify';
import { IngestError } from '../errors.ts';
import {
  parseRecordingId,
  parseStreamId,
  type RecordingId,
  type StreamId,
} from '../protocol/index.ts';
import { CodedBodies } from './content-coding.ts';
import { sha256Of } from './media-objects.ts';
import { recordedThumbnailTrackKey, thumbnailKey } from './object-keys.ts';
import type { OriginOptions, OriginRequest } from './origin-routes.ts';
import { sendResource } from './send-resource.ts';

const trackType = 'text/vtt; charset=utf-8';
const immutable = 'public, max-age=31536000, immutable';
/** There is a new picture every ten seconds. */
const liveCache = 'public, max-age=5';
const recordedCache = 'public, max-age=86400';
const pictureNamePattern = /^(\d{1,15})\.jpg$/;

interface Place {
  readonly stream: StreamId;
  readonly recording: RecordingId;
}

function notFound(): IngestError {
  const detail = 'There are no thumbnails of it (yet); streams without pictures have none.';
  return new IngestError('resource-not-found', detail);
}

function placeOf({ params }: OriginRequest): Place {
  const stream = parseStreamId(params.stream ?? '');
  const recording = parseRecordingId(params.recording ?? '');
  if (stream === null || recording === null) throw notFound();
  return { stream, recording };
}

export class ThumbnailRoutes {
  readonly #options: Pick<OriginOptions, 'streams' | 'objects'>;
  readonly #codedBodies = new CodedBodies();

  constructor(options: Pick<OriginOptions, 'streams' | 'objects'>) {
    this.#options = options;
  }

  /** Those of the live window. */
  async liveTrack(request: OriginRequest, reply: FastifyReply): Promise<void> {
    const stream = parseStreamId(request.params.stream ?? '');
    const text = stream === null ? null : this.#options.streams.get(stream)?.thumbnailTrack;
    if (text == null) throw notFound();
    await sendResource(request, reply, {
      bytes: new TextEncoder().encode(text),
      ...{ digest: sha256Of(text), contentType: trackType, cacheControl: liveCache },
      codedBodies: this.#codedBodies,
    });
  }

  async recordedTrack(request: OriginRequest, reply: FastifyReply): Promise<void> {
    const { stream, recording } = placeOf(request);
    const object = await this.#options.objects.get(recordedThumbnailTrackKey(stream, recording));
    if (object === null) throw notFound();
    const { codedBodies, cacheControl } = {
      codedBodies: this.#codedBodies,
      cacheControl: recordedCache,
    };
    await sendResource(request, reply, {
      ...object,
      contentType: trackType,
      cacheControl,
      codedBodies,
    });
  }

  async picture(request: OriginRequest, reply: FastifyReply): Promise<void> {
    const number = pictureNamePattern.exec(request.params.name ?? '')?.[1];
    if (number === undefined) throw notFound();
    const key = thumbnailKey(placeOf(request), Number(number));
    const object = await this.#options.objects.get(key);
    if (object === null) throw notFound();
    const contentType = 'image/jpeg';
    await sendResource(request, reply, { ...object, contentType, cacheControl: immutable });
  }
}
