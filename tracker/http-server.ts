// The HTTP server that all stages of the tracker share: CORS, limits, and every failure as
// problem+json. The tracker makes it, stages add their routes.

import cors from '@fastify/cors';
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify';
import type { Logger } from 'pino';
import { TrackerError } from './errors.ts';
import { playerConfigVersionHeader } from './protocol/index.ts';

/** How long a client may take to send its request. */
const requestTimeoutMs = 30_000;
const preflightMaxAgeSeconds = 86_400;

export async function createHttpServer(logger: Logger): Promise<FastifyInstance> {
  const server = fastify({ requestTimeout: requestTimeoutMs, forceCloseConnections: 'idle' });
  // Players run on any site, and nothing here depends on cookies.
  await server.register(cors, {
    origin: '*',
    methods: ['GET', 'HEAD', 'POST', 'PUT'],
    exposedHeaders: [playerConfigVersionHeader],
    allowedHeaders: ['content-type', 'authorization'],
    maxAge: preflightMaxAgeSeconds,
  });
  server.setErrorHandler((error: FastifyError, _request, reply) => {
    const problem = toTrackerError(error);
    if (problem.status >= 500 && problem.code !== 'limit-reached') {
      logger.error({ err: error }, 'a request failed');
    }
    return sendProblem(reply, problem);
  });
  server.setNotFoundHandler((_request, reply) =>
    sendProblem(reply, new TrackerError('resource-not-found', 'See the README for what exists.')),
  );
  return server;
}

function sendProblem(reply: FastifyReply, error: TrackerError): FastifyReply {
  if (error.status === 503) reply.header('retry-after', '5');
  return reply
    .code(error.status)
    .type('application/problem+json')
    .send(JSON.stringify(error.toProblem()));
}

function toTrackerError(error: FastifyError): TrackerError {
  if (error instanceof TrackerError) return error;
  const options = { cause: error };
  if (error.statusCode === 413) {
    return new TrackerError('body-too-large', 'Send at most 16 KiB.', options);
  }
  if (error.statusCode === 415) {
    const advice = 'Send application/json, or text/plain that holds JSON.';
    return new TrackerError('content-type-wrong', advice, options);
  }
  if (error.statusCode !== undefined && error.statusCode < 500) {
    return new TrackerError('request-invalid', 'Check the request.', options);
  }
  return new TrackerError('internal', 'Try again; the log of the tracker says more.', options);
}
