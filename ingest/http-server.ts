// The HTTP server of ingest before any route: limits, time-outs, and the one place where errors
// become RFC 9457 problem+json. The composition root registers the stages' routes on it.

import Fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  LogController,
} from 'fastify';
import type { Logger } from 'pino';
import { IngestError, type IngestErrorCode } from './errors.ts';

const problemType = 'application/problem+json';
/** Time for a client to send its request, headers and body. */
const requestTimeoutMs = 30_000;
/** Longer than the idle time of usual proxies and CDNs, so that they close first. */
const keepAliveTimeoutMs = 75_000;
/** A client that takes nothing for so long is gone; held reloads are answered before. */
const idleConnectionMs = 120_000;
/** No route needs more, except those that set their own limit. */
const maxBodyBytes = 64 * 1024;

/** Paths that answer GET alone; the origin's and WHIP's routes say it themselves. */
const readOnlyPath = /^\/(?:$|(?:watch|embed|player|assets)\/|(?:healthz|readyz|metrics)$)/;

const codesOfFramework: Readonly<Record<number, IngestErrorCode>> = {
  404: 'resource-not-found',
  405: 'method-not-allowed',
  413: 'body-too-large',
  415: 'content-type-wrong',
};

/** The error for the client; what is not meant for clients becomes `internal`. */
function errorForClient(error: FastifyError): IngestError {
  if (error instanceof IngestError) return error;
  const status = error.statusCode ?? 500;
  if (status >= 400 && status < 500) {
    const code = codesOfFramework[status] ?? 'request-invalid';
    return new IngestError(code, error.message, { cause: error });
  }
  const message = 'The failure was logged; try again later.';
  return new IngestError('internal', message, { cause: error });
}

function missingRoute(method: string, url: string): IngestError {
  const [path = ''] = url.split('?');
  if (!['GET', 'HEAD'].includes(method) && readOnlyPath.test(path)) {
    return new IngestError('method-not-allowed', 'Use GET or HEAD here.');
  }
  if (/^\/(?:assets|player)\//.test(path)) {
    const message = "Pages and player are not built, or have no such file; run 'npm run build'.";
    return new IngestError('resource-not-found', message);
  }
  return new IngestError('resource-not-found', 'Look at the README for what is served.');
}

/** A server without routes that answers every error as problem+json. */
export function createHttpServer(logger: Logger): FastifyInstance {
  const loggerInstance: FastifyBaseLogger = logger;
  const app = Fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: false,
    bodyLimit: maxBodyBytes,
    requestTimeout: requestTimeoutMs,
    connectionTimeout: idleConnectionMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    // Held playlist requests and idle players would keep a closing server open.
    forceCloseConnections: true,
  });
  app.setErrorHandler<FastifyError>(async (error, request, reply) => {
    const forClient = errorForClient(error);
    if (forClient.status >= 500) {
      logger.error({ err: error, route: request.routeOptions.url }, 'request failed');
    }
    // A CDN that keeps "not yet" would hide the stream when it is there.
    reply.code(forClient.status).header('cache-control', 'no-store').type(problemType);
    return JSON.stringify(forClient.toProblem());
  });
  app.setNotFoundHandler(async (request, reply) => {
    const error = missingRoute(request.method, request.url);
    if (error.code === 'method-not-allowed') reply.header('allow', 'GET, HEAD');
    throw error;
  });
  return app;
}
