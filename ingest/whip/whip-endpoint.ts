// The HTTP side of WHIP (RFC 9725): publish, end, and what browsers and test suites ask besides.
// Requests become sessions of the registry; errors leave through the server's error handler.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { PortRange } from '../environment.ts';
import { IngestError } from '../errors.ts';
import { parseStreamId, type StreamId } from '../protocol/index.ts';
import type { OpenBroadcast, SessionCloseReason } from './broadcast-sink.ts';
import { formatIceServerLink, parseIceServer } from './ice-servers.ts';
import { maxSdpBytes } from './sdp-document.ts';
import { parseWhipOffer } from './sdp-offer.ts';
import { SessionRegistry } from './session-registry.ts';
import type { AuthorizePublisher } from './stream-keys.ts';
import { type SessionStatistics, WhipSession } from './whip-session.ts';

export interface WhipEndpointOptions {
  readonly authorize: AuthorizePublisher;
  readonly openBroadcast: OpenBroadcast;
  /** A keyframe is asked for at least this often: the duration of a segment. */
  readonly keyframeIntervalMs: number;
  /** Addresses to announce instead of those of the interfaces; empty for those. */
  readonly announcedIps?: readonly string[] | undefined;
  readonly udpPorts?: PortRange | undefined;
  /** `stun:host:port` or `turn:user:password@host:port`. */
  readonly iceServers?: readonly string[] | undefined;
  /** Address for media; all interfaces when absent. */
  readonly bindAddress?: string | undefined;
  readonly maxSessions?: number | undefined;
  readonly logger: Logger;
}

/** What the composition root keeps of the endpoint. */
export interface WhipEndpoint {
  sessionStatistics(): readonly SessionStatistics[];
  /** Ends all sessions and waits for their broadcasts; idempotent. */
  close(reason: SessionCloseReason): Promise<void>;
}

const defaultMaxSessions = 64;
const sdpType = 'application/sdp';
const endpointPath = '/whip/:stream';
const sessionPath = '/whip/:stream/sessions/:session';

interface Params {
  readonly stream: string;
  readonly session?: string;
}

/** Adds the routes under `/whip/`; sessions end when the server closes, at the latest. */
export function registerWhipEndpoint(
  app: FastifyInstance,
  options: WhipEndpointOptions,
): WhipEndpoint {
  const registry = new SessionRegistry(options.maxSessions ?? defaultMaxSessions);
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
    addSessionRoutes(scope, options, registry);
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
  scope.options<{ Params: Params }>(endpointPath, async (request, reply) => {
    streamOf(request.params);
    return answerPreflight(reply, 'POST').header('Accept-Post', sdpType).send();
  });
  // RFC 9725 §4.1: GET and HEAD succeed without content.
  scope.get<{ Params: Params }>(endpointPath, async (request, reply) => {
    streamOf(request.params);
    return reply.code(204).send();
  });
  scope.post<{ Params: Params; Body: unknown }>(
    endpointPath,
    {
      bodyLimit: maxSdpBytes,
      // Before the body is read: strangers send nothing.
      onRequest: async (request) => requireKey(options, request),
    },
    async (request, reply) => {
      const stream = streamOf(request.params);
      if (typeof request.body !== 'string') {
        throw new IngestError('content-type-wrong', `Send the offer as ${sdpType}.`);
      }
      const session = await publish(options, registry, stream, request.body);
      reply
        .code(201)
        .header('Location', `/whip/${stream}/sessions/${session.sessionId}`)
        // There is one ICE session for the life of this session: its name is a strong ETag.
        .header('ETag', `"${session.sessionId.slice(0, 8)}"`)
        .type(sdpType);
      if (links.length > 0) reply.header('Link', [...links]);
      return reply.send(session.answerSdp);
    },
  );
  rejectOthers(scope, endpointPath, ['PUT', 'PATCH', 'DELETE'], 'GET, HEAD, OPTIONS, POST');
}

function addSessionRoutes(
  scope: FastifyInstance,
  options: WhipEndpointOptions,
  registry: SessionRegistry,
): void {
  const find = (params: Params): WhipSession => {
    const session = registry.find(streamOf(params), params.session ?? '');
    if (session === null) throw new IngestError('session-not-found', 'The session has ended.');
    return session;
  };
  scope.options<{ Params: Params }>(sessionPath, async (request, reply) => {
    streamOf(request.params);
    return answerPreflight(reply, 'DELETE').send();
  });
  scope.get<{ Params: Params }>(sessionPath, async (request, reply) => {
    find(request.params);
    return reply.code(204).send();
  });
  scope.delete<{ Params: Params }>(sessionPath, async (request, reply) => {
    // The unguessable URL is enough, as several clients send no key here; a wrong one is refused.
    if (request.headers.authorization !== undefined) requireKey(options, request);
    registry.end(find(request.params), 'deleted');
    return reply.code(200).send();
  });
  scope.patch<{ Params: Params }>(sessionPath, async (request, reply) => {
    find(request.params);
    reply.header('Allow', 'DELETE, GET, HEAD, OPTIONS');
    throw new IngestError('trickle-not-supported', 'Gather all candidates before the offer.');
  });
  // Whatever its type, the body of a PATCH is not looked at.
  scope.addContentTypeParser('application/trickle-ice-sdpfrag', { parseAs: 'string' }, ignoreBody);
  rejectOthers(scope, sessionPath, ['PUT', 'POST'], 'DELETE, GET, HEAD, OPTIONS');
}

function ignoreBody(
  _request: FastifyRequest,
  _body: string,
  done: (error: null, body: undefined) => void,
): void {
  done(null, undefined);
}

async function publish(
  options: WhipEndpointOptions,
  registry: SessionRegistry,
  stream: StreamId,
  offerSdp: string,
): Promise<WhipSession> {
  const offer = parseWhipOffer(offerSdp);
  return registry.publish(stream, (id, onClosing) =>
    WhipSession.start({
      id,
      stream,
      offer,
      openBroadcast: options.openBroadcast,
      keyframeIntervalMs: options.keyframeIntervalMs,
      announcedIps: options.announcedIps ?? [],
      udpPorts: options.udpPorts,
      iceServerUrls: options.iceServers ?? [],
      bindAddress: options.bindAddress,
      // The whole id would let whoever reads the log end the session.
      logger: options.logger.child({ streamId: stream, sessionId: id.slice(0, 8) }),
      onClosing,
    }),
  );
}

function streamOf(params: Params): StreamId {
  const stream = parseStreamId(params.stream);
  if (stream !== null) return stream;
  throw new IngestError('stream-id-invalid', 'Use a-z, 0-9, _ and -, at most 63 characters.');
}

function requireKey(
  options: WhipEndpointOptions,
  request: FastifyRequest<{ Params: Params; Body: unknown }> | FastifyRequest<{ Params: Params }>,
): void {
  const stream = streamOf(request.params);
  const key = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1];
  if (key === undefined) {
    throw new IngestError('stream-key-missing', 'Send Authorization: Bearer and the stream key.');
  }
  if (!options.authorize(stream, key)) {
    throw new IngestError('stream-key-wrong', 'Check the stream name and its key.');
  }
}

/** Browsers on any page may publish: the key decides, not the origin. */
function allowOrigins(reply: FastifyReply): void {
  reply
    .header('Access-Control-Allow-Origin', '*')
    .header('Access-Control-Expose-Headers', 'Location, ETag, Link');
}

function answerPreflight(reply: FastifyReply, method: string): FastifyReply {
  return reply
    .code(200)
    .header('Access-Control-Allow-Methods', `${method}, GET, HEAD, OPTIONS`)
    .header('Access-Control-Allow-Headers', 'Authorization, Content-Type, If-Match')
    .header('Access-Control-Max-Age', '86400');
}

function rejectOthers(
  scope: FastifyInstance,
  url: string,
  methods: readonly ('PUT' | 'PATCH' | 'DELETE' | 'POST')[],
  allowed: string,
): void {
  scope.route({
    method: [...methods],
    url,
    handler: async (_request, reply) => {
      reply.header('Allow', allowed);
      throw new IngestError('method-not-allowed', `Use ${allowed}.`);
    },
  });
}
