// The routes of one WHIP session (RFC 9725 §4.2 and §4.3): trickled candidates by PATCH, the end by
// DELETE. The endpoint registers them; sessions are found in the registry.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { IngestError } from '../errors.ts';
import { matchEntityTag } from './entity-tag.ts';
import type { RequestBudget } from './request-budget.ts';
import type { SessionRegistry } from './session-registry.ts';
import type { AuthorizePublisher } from './stream-keys.ts';
import { maxFragmentBytes, parseTrickleFragment, trickleType } from './trickle-fragment.ts';
import {
  answerPreflight,
  rejectOthers,
  requireKey,
  spend,
  streamOf,
  type WhipParams,
} from './whip-http.ts';
import type { WhipSession } from './whip-session.ts';

export interface SessionRouteOptions {
  readonly authorize: AuthorizePublisher;
  readonly registry: SessionRegistry;
  readonly budget: RequestBudget;
}

type SessionRequest = FastifyRequest<{ Params: WhipParams }>;

const sessionPath = '/whip/:stream/sessions/:session';
const methods = 'DELETE, GET, HEAD, OPTIONS, PATCH';

export function addSessionRoutes(scope: FastifyInstance, options: SessionRouteOptions): void {
  const { authorize, registry, budget } = options;
  const find = (request: SessionRequest): WhipSession => {
    const { params, headers } = request;
    // The unguessable URL is enough, as several clients send no key here; a wrong one is refused.
    if (headers.authorization !== undefined) requireKey(authorize, params, headers.authorization);
    const session = registry.find(streamOf(params), params.session ?? '');
    if (session === null) throw new IngestError('session-not-found', 'The session has ended.');
    return session;
  };
  scope.addContentTypeParser(
    trickleType,
    { parseAs: 'string', bodyLimit: maxFragmentBytes },
    (_request, body, done) => done(null, body),
  );
  scope.options<{ Params: WhipParams }>(sessionPath, async (request, reply) => {
    streamOf(request.params);
    return answerPreflight(reply, methods).header('Accept-Patch', trickleType).send();
  });
  // RFC 9725 §4.2: GET and HEAD succeed without content.
  scope.get<{ Params: WhipParams }>(sessionPath, async (request, reply) => {
    find(request);
    return reply.code(204).send();
  });
  scope.delete<{ Params: WhipParams }>(
    sessionPath,
    { onRequest: spend(budget) },
    async (request, reply) => {
      // §4.3: entity tags are ignored here.
      const { params, headers } = request;
      if (headers.authorization !== undefined) {
        requireKey(authorize, params, headers.authorization);
      }
      const wasLost = registry.sayGoodbye(streamOf(params), params.session ?? '');
      if (!wasLost) registry.end(find(request), 'deleted');
      return reply.code(200).send();
    },
  );
  scope.patch<{ Params: WhipParams; Body: unknown }>(
    sessionPath,
    {
      bodyLimit: maxFragmentBytes,
      onRequest: [
        spend(budget),
        async (request, reply) => checkType(request.headers['content-type'], reply),
      ],
    },
    async (request, reply) => trickle(find(request), request.headers, request.body, reply),
  );
  rejectOthers(scope, sessionPath, ['PUT', 'POST'], methods);
}

function checkType(contentType: string | undefined, reply: FastifyReply): void {
  if (contentType?.split(';')[0]?.trim().toLowerCase() === trickleType) return;
  reply.header('Accept-Patch', trickleType); // RFC 5789 §2.2
  throw new IngestError('content-type-wrong', `Send ${trickleType}.`);
}

function trickle(
  session: WhipSession,
  headers: { readonly 'if-match'?: string | undefined },
  body: unknown,
  reply: FastifyReply,
): FastifyReply {
  const match = matchEntityTag(headers['if-match'], session.entityTag);
  if (match === 'missing') {
    throw new IngestError('precondition-required', 'Send If-Match with the ETag of the answer.');
  }
  if (match === 'other') {
    throw new IngestError('precondition-failed', 'Send the ETag of the latest ICE session.');
  }
  const fragment = parseTrickleFragment(typeof body === 'string' ? body : '');
  const { usernameFragment } = fragment;
  if (usernameFragment !== null && usernameFragment !== session.remoteUsernameFragment) {
    // libdatachannel keeps its credentials for life. §4.3.3: the session goes on as it was.
    throw new IngestError('ice-restart-not-supported', 'Publish anew to change networks.');
  }
  session.addRemoteCandidates(fragment.candidates);
  return reply.code(204).send(); // §4.3.2: neither a body nor an ETag
}
