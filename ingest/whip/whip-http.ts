// What all WHIP routes share: CORS for pages of any origin, the Bearer key, request budgets, and
// the refusal of other methods. The publish and session routes are built from it.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { IngestError } from '../errors.ts';
import { parseStreamId, type StreamId } from '../protocol/index.ts';
import { clientOf, type RequestBudget } from './request-budget.ts';
import type { AuthorizePublisher } from './stream-keys.ts';

export interface WhipParams {
  readonly stream: string;
  readonly session?: string;
}

/** @throws IngestError `stream-id-invalid` */
export function streamOf(params: WhipParams): StreamId {
  const stream = parseStreamId(params.stream);
  if (stream !== null) return stream;
  throw new IngestError('stream-id-invalid', 'Use a-z, 0-9, _ and -, at most 63 characters.');
}

/** @throws IngestError `stream-key-missing` or `stream-key-wrong` */
export function requireKey(
  authorize: AuthorizePublisher,
  params: WhipParams,
  authorization: string | undefined,
): void {
  const stream = streamOf(params);
  const key = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
  if (key === undefined) {
    throw new IngestError('stream-key-missing', 'Send Authorization: Bearer and the stream key.');
  }
  if (!authorize(stream, key)) {
    throw new IngestError('stream-key-wrong', 'Check the stream name and its key.');
  }
}

/** A hook that refuses a client's request when it has made too many. */
export function spend(budget: RequestBudget) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const waitSeconds = budget.take(clientOf(request.ip), performance.now());
    if (waitSeconds === 0) return;
    reply.header('Retry-After', String(waitSeconds));
    throw new IngestError('rate-limited', `Try again in ${waitSeconds} s.`);
  };
}

/** Browsers on any page may publish: the key decides, not the origin. */
export function allowOrigins(reply: FastifyReply): void {
  reply
    .header('Access-Control-Allow-Origin', '*')
    .header(
      'Access-Control-Expose-Headers',
      'Location, ETag, Link, Retry-After, Accept-Post, Accept-Patch, Allow',
    );
}

/** Preflight carries no key, so it is answered before any is asked for (RFC 9725 §4.2). */
export function answerPreflight(reply: FastifyReply, methods: string): FastifyReply {
  return reply
    .code(200)
    .header('Allow', methods)
    .header('Access-Control-Allow-Methods', methods)
    .header('Access-Control-Allow-Headers', 'Authorization, Content-Type, If-Match')
    .header('Access-Control-Max-Age', '86400');
}

/** Answers the methods that a resource does not have. */
export function rejectOthers(
  scope: FastifyInstance,
  url: string,
  methods: readonly ('PUT' | 'PATCH' | 'DELETE' | 'POST')[],
  allowed: string,
): void {
  scope.route({
    method: [...methods],
    url,
    // Before the body is read: whatever it is, it is not wanted.
    onRequest: async (_request, reply) => {
      reply.header('Allow', allowed);
      throw new IngestError('method-not-allowed', `Use ${allowed}.`);
    },
    handler: async () => undefined,
  });
}
