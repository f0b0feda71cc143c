// A WHIP endpoint on a real server whose broadcasts only remember what they were given. Tests of
// signalling and reception publish to it and look at its sessions and frames.

import Fastify, { type FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { replyWithProblem } from '../../ingest/errors.ts';
import { parseStreamId, type StreamId } from '../../ingest/protocol/index.ts';
import type {
  EncodedAudioFrame,
  EncodedFrame,
  EncodedVideoFrame,
} from '../../ingest/rtp/encoded-frame.ts';
import type { PublisherControl, SessionCloseReason } from '../../ingest/whip/broadcast-sink.ts';
import { authorizeByKeys } from '../../ingest/whip/stream-keys.ts';
import {
  registerWhipEndpoint,
  type WhipEndpoint,
  type WhipEndpointOptions,
} from '../../ingest/whip/whip-endpoint.ts';

/** A broadcast that only remembers. */
export interface RecordedBroadcast {
  readonly publisher: PublisherControl;
  readonly video: EncodedVideoFrame[];
  readonly audio: EncodedAudioFrame[];
  closeReason: SessionCloseReason | null;
}

export interface WhipServer extends AsyncDisposable {
  readonly app: FastifyInstance;
  readonly endpoint: WhipEndpoint;
  readonly broadcasts: RecordedBroadcast[];
  readonly url: string;
}

/** Streams that can be published, all with the key `secret`. */
export const testStreams = ['demo', 'second', 'third'] as const;

function streamId(text: string): StreamId {
  const stream = parseStreamId(text);
  if (stream === null) throw new Error(`${text} is no stream id`);
  return stream;
}

/** Listens on a free port when it resolves. */
export async function startWhipServer(
  options: Partial<WhipEndpointOptions> = {},
): Promise<WhipServer> {
  const broadcasts: RecordedBroadcast[] = [];
  const app = Fastify({ forceCloseConnections: true });
  app.setErrorHandler((error, _request, reply) => replyWithProblem(error, reply));
  app.get('/', async (_request, reply) => reply.type('text/html').send('<!doctype html>'));
  const endpoint = registerWhipEndpoint(app, {
    authorize: authorizeByKeys(new Map(testStreams.map((text) => [streamId(text), 'secret']))),
    keyframeIntervalMs: 1_000,
    bindAddress: '127.0.0.1',
    logger: pino({ level: 'silent' }),
    openBroadcast: (_stream, publisher) => {
      const broadcast: RecordedBroadcast = { publisher, video: [], audio: [], closeReason: null };
      broadcasts.push(broadcast);
      return {
        writeFrame: (frame: EncodedFrame) => {
          if (frame.kind === 'video') broadcast.video.push(frame);
          else broadcast.audio.push(frame);
        },
        close: async (reason) => {
          broadcast.closeReason ??= reason;
        },
      };
    },
    ...options,
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return { app, endpoint, broadcasts, url, [Symbol.asyncDispose]: () => app.close() };
}
