// GET /api/v1/streams/{stream}: what the list says of one stream, and how its publisher and encoder
// do. The composition root gives it the parts, which know nothing of each other.

import type { FastifyInstance } from 'fastify';
import type { BroadcastStatistics } from './broadcast.ts';
import { IngestError } from './errors.ts';
import {
  type PublisherTrackInfo,
  parseStreamId,
  type StreamDetails,
  type StreamId,
  type StreamInfo,
} from './protocol/index.ts';
import type { SessionStatistics } from './whip/whip-session.ts';

export interface StreamDetailsSources {
  readonly infoOf: (stream: StreamId) => StreamInfo | null;
  /** `null` when no broadcast of the stream runs. */
  readonly broadcastOf: (stream: StreamId) => BroadcastStatistics | null;
  readonly sessions: () => readonly SessionStatistics[];
}

/** No id of the session is in it: whoever knows one can end the broadcast. */
function trackInfos(session: SessionStatistics): readonly PublisherTrackInfo[] {
  const seconds = Math.max(session.liveSeconds, 0.001);
  return session.tracks.map((track) => ({
    kind: track.kind,
    codec: track.codec,
    averageBitrateBps: Math.round((track.receivedBytes * 8) / seconds),
    framesPerSecond: track.frames / seconds,
    receivedPackets: track.receivedPackets,
    recoveredPackets: track.recoveredPackets,
    lostPackets: track.lostPackets,
    droppedFrames: track.droppedFrames,
    jitterMs: track.jitterMs,
    rttMs: track.rttMs,
  }));
}

export function streamDetails(
  stream: StreamId,
  sources: StreamDetailsSources,
): StreamDetails | null {
  const info = sources.infoOf(stream);
  if (info === null) return null;
  const session = sources
    .sessions()
    .find((candidate) => candidate.stream === stream && candidate.state === 'live');
  return {
    ...info,
    publisher:
      session === undefined
        ? null
        : { connectedSeconds: session.liveSeconds, tracks: trackInfos(session) },
    encoder: sources.broadcastOf(stream),
  };
}

export function registerStreamDetails(app: FastifyInstance, sources: StreamDetailsSources): void {
  app.get<{ Params: { stream: string } }>('/api/v1/streams/:stream', async (request, reply) => {
    const stream = parseStreamId(request.params.stream);
    const details = stream === null ? null : streamDetails(stream, sources);
    if (details === null) {
      throw new IngestError('stream-not-found', 'Nobody has broadcast this stream yet.');
    }
    reply.headers({ 'cache-control': 'no-cache', 'access-control-allow-origin': '*' });
    return details;
  });
}
