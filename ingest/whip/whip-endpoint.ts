// The HTTP side of WHIP (RFC 9725): who may publish becomes a session of the registry, within
// limits. The routes of sessions are beside it; errors leave through the server's error handler.

import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { PortRange } from '../environment.ts';
import { IngestError } from '../errors.ts';
import type { StreamId } from '../protocol/index.ts';
import type { OpenBroadcast, SessionCloseReason } from './broadcast-sink.ts';
import { formatIceServerLink, parseIceServer } from './ice-servers.ts';
import type { PublisherLimits } from './publisher-limits.ts';
import { clientOf, RequestBudget } from './request-budget.ts';
import { maxSdpBytes } from './sdp-document.ts';
import { parseWhipOffer } from './sdp-offer.ts';
import { SessionRegistry } from './session-registry.ts';
import { addSessionRoutes } from './session-routes.ts';
import type { AuthorizePublisher } from './stream-keys.ts';
import {
  allowOrigins,
  answerPreflight,
  rejectOthers,
  requireKey,
  spend,
  streamOf,
  type WhipParams,
} from './whip-http.ts';
import { type SessionStatistics, WhipSession } from './whip-session.ts';

export interface WhipEndpointOptions {
  readonly authorize: AuthorizePublisher;
  readonly openBroadcast: OpenBroadcast;
  /** A keyframe is asked for at least this often: the duration of a segment. */
  readonly keyframeIntervalMs: number;
  /** Addresses to announce instead of those of the interfaces; empty for those. */
  readonly announcedIps?: readonly string[] | undefined;
  readonly udpPorts?: PortRange | undefined;
  /** What each publisher may send at most; no limit when absent. */
  readonly limits?: PublisherLimits | undefined;
  /** `stun:host:port` or `turn:user:password@host:port`. */
  readonly iceServers?: readonly string[] | undefined;
  /** Address for media; all interfaces when absent. */
  readonly bindAddress?: string | undefined;
  /** Sessions at once, 64 by default; one more gets 503. */
  readonly maxSessions?: number | undefined;
  /** Sessions at once of one client address, 16 by default; one more gets 503. */
  readonly maxSessionsPerAddress?: number | undefined;
  /** How long an accepted publisher may take to connect, 10 s by default. */
  readonly maxConnectingMs?: number | undefined;
  /**
   * Sends publishers elsewhere: the URL of another server's endpoint for the stream, or `null` to
   * keep them. RFC 9725 §4.5: answered with 307, which repeats the POST there.
   */
  readonly redirectTo?: ((stream: StreamId) => string | null) | undefined;
  readonly logger: Logger;
}

/** What the composition root keeps of the endpoint. */
export interface WhipEndpoint {
  sessionStatistics(): readonly SessionStatistics[];
  /** Ends all sessions and waits for their broadcasts; idempotent. */
  close(reason: SessionCloseReason): Promise<void>;
}

export const defaultMaxSessions = 64;
const defaultMaxSessionsPerAddress = 16;
/** A publisher that reconnects in a loop stays within it; who tries keys does not get far. */
const publishBudget = { burst: 60, perSecond: 2 };
/** A browser trickles each of its candidates by itself: about a dozen per session. */
const sessionBudget = { burst: 240, perSecond: 20 };
/** What a publisher that found no room should wait. */
const retryAfterSeconds = 5;
const sdpType = 'application/sdp';
const endpointPath = '/whip/:stream';
const methods = 'GET, HEAD, OPTIONS, POST';

/** Adds the routes under `/whip/`; sessions end when the server closes, at the latest. */
export function registerWhipEndpoint(
  app: FastifyInstance,
  options: WhipEndpointOptions,
): WhipEndpoint {
  const registry = new SessionRegistry({
    maxSessions: options.maxSessions ?? defaultMaxSessions,
    maxSessionsPerAddress: options.maxSessionsPerAddress ?? defaultMaxSessionsPerAddress,
  });
  const iceServers = (options.iceServers ?? []).map((text) => {
    const server = parseIceServer(text);
    if (server === null)
      throw new RangeError('write stun:host:port or turn:user:password@host:port');
    return server;
  });
  const links = iceServers.map(formatIceServerLink);
  app.register((scope, _pluginOptions, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(
      sdpType,
      { parseAs: 'string', bodyLimit: maxSdpBytes },
      (_request, body, done) => done(null, body),
    );
    scope.addHook('onRequest', async (_request, reply) => allowOrigins(reply));
    addPublishRoutes(scope, options, registry, links);
    const budget = new RequestBudget(sessionBudget);
    addSessionRoutes(scope, { authorize: options.authorize, registry, budget });
    done();
  });
  app.addHook('onClose', () => registry.close('shutdown'));
  return {
    sessionStatistics: () => registry.statistics(),
    close: (reason) => registry.close(reason),
  };
}

function addPublishRoutes(
  scope: FastifyInstance,
  options: WhipEndpointOptions,
  registry: SessionRegistry,
  links: readonly string[],
): void {
  scope.options<{ Params: WhipParams }>(endpointPath, async (request, reply) => {
    streamOf(request.params);
    answerPreflight(reply, methods).header('Accept-Post', sdpType);
    if (links.length > 0) reply.header('Link', [...links]);
    return reply.send();
  });
  // RFC 9725 §4.2: GET and HEAD succeed without content.
  scope.get<{ Params: WhipParams }>(endpointPath, async (request, reply) => {
    streamOf(request.params);
    return reply.code(204).send();
  });
  scope.post<{ Params: WhipParams; Body: unknown }>(
    endpointPath,
    {
      bodyLimit: maxSdpBytes,
      // Before the body is read: strangers send nothing.
      onRequest: [
        spend(new RequestBudget(publishBudget)),
        async ({ params, headers }) => requireKey(options.authorize, params, headers.authorization),
      ],
    },
    async (request, reply) => {
      const stream = streamOf(request.params);
      const elsewhere = options.redirectTo?.(stream) ?? null;
      if (elsewhere !== null) return reply.code(307).header('Location', elsewhere).send();
      const contentType = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
      if (typeof request.body !== 'string' || contentType !== sdpType) {
        throw new IngestError('content-type-wrong', `Send the offer as ${sdpType}.`);
      }
      const start = { stream, offerSdp: request.body, client: clientOf(request.ip) };
      const session = await publish(options, registry, start).catch((error) => {
        const isFull = error instanceof IngestError && error.status === 503;
        if (isFull) reply.header('Retry-After', String(retryAfterSeconds));
        throw error;
      });
      reply
        .code(201)
        .header('Location', `/whip/${stream}/sessions/${session.sessionId}`)
        .header('ETag', session.entityTag)
        .type(sdpType);
      if (links.length > 0) reply.header('Link', [...links]);
      return reply.send(session.answerSdp);
    },
  );
  rejectOthers(scope, endpointPath, ['PUT', 'PATCH', 'DELETE'], methods);
}

interface PublishRequest {
  readonly stream: StreamId;
  readonly offerSdp: string;
  readonly client: string;
}

async function publish(
  options: WhipEndpointOptions,
  registry: SessionRegistry,
  { stream, offerSdp, client }: PublishRequest,
): Promise<WhipSession> {
  const offer = parseWhipOffer(offerSdp);
  return registry.publish(stream, client, (id, onClosing) =>
    WhipSession.start({
      id,
      stream,
      client,
      offer,
      openBroadcast: options.openBroadcast,
      keyframeIntervalMs: options.keyframeIntervalMs,
      maxConnectingMs: options.maxConnectingMs,
      announcedIps: options.announcedIps ?? [],
      udpPorts: options.udpPorts,
      iceServerUrls: options.iceServers ?? [],
      bindAddress: options.bindAddress,
      limits: options.limits,
      // The whole id would let whoever reads the log end the session.
      logger: options.logger.child({ streamId: stream, sessionId: id.slice(0, 8) }),
      onClosing,
    }),
  );
}
