// The origin over HTTP: its routes, CORS for everybody, and what other methods are told. CDNs and
// players read it; the composition root registers it on the service's HTTP server.

import type { FastifyInstance, FastifyReply } from 'fastify';
import { IngestError } from '../errors.ts';
import {
  type OriginOptions,
  type OriginRequest,
  type OriginRoute,
  OriginRoutes,
} from './origin-routes.ts';

import { ThumbnailRoutes } from './thumbnail-routes.ts';

export type { OriginOptions } from './origin-routes.ts';

/** Exposed to scripts of other origins on top of the safelisted ones. */
const exposedHeaders = 'Accept-Ranges, Content-Length, Content-Range, Date, ETag, Shoal-Pieces';

const preflightHeaders = {
  'access-control-allow-methods': 'GET, HEAD',
  'access-control-allow-headers': 'Range, If-None-Match, If-Range, If-Modified-Since',
  'access-control-max-age': '86400',
} as const;

type Handler = (request: OriginRequest, reply: FastifyReply) => Promise<unknown>;

/** GET and HEAD; OPTIONS answers a preflight, any other method is refused. */
function readOnlyRoute(app: FastifyInstance, url: string, handler: Handler): void {
  app.route<OriginRoute>({ method: ['GET', 'HEAD'], url, exposeHeadRoute: false, handler });
  app.options(url, async (_request, reply) => {
    await reply.code(204).headers(preflightHeaders).send();
  });
  app.route({
    method: ['POST', 'PUT', 'PATCH', 'DELETE'],
    url,
    // Before the body is read: what it holds does not matter.
    onRequest: async (_request, reply) => {
      reply.header('allow', 'GET, HEAD, OPTIONS');
      throw new IngestError('method-not-allowed', 'Use GET or HEAD here.');
    },
    handler: async () => undefined,
  });
}

/** Registers the origin's routes in a plugin scope of their own. */
export async function registerOrigin(app: FastifyInstance, options: OriginOptions): Promise<void> {
  const routes = new OriginRoutes(options);
  const thumbnails = new ThumbnailRoutes(options);
  await app.register((scope, _pluginOptions, done) => {
    scope.addHook('onRequest', async (_request, reply) => {
      reply.headers({
        'access-control-allow-origin': '*',
        'access-control-expose-headers': exposedHeaders,
        'timing-allow-origin': '*',
      });
    });
    scope.addHook('preClose', async () => routes.close());
    const paths: Readonly<Record<string, Handler>> = {
      '/live/:stream/index.m3u8': (request, reply) => routes.livePlaylist(request, reply),
      '/live/:stream/:rendition/index.m3u8': (request, reply) =>
        routes.liveMediaPlaylist(request, reply),
      '/live/:stream/thumbnails.vtt': (request, reply) => thumbnails.liveTrack(request, reply),
      '/live/:stream/thumbnails/:recording/:name': (request, reply) =>
        thumbnails.picture(request, reply),
      '/live/:stream/:rendition/:recording/:name': (request, reply) => routes.media(request, reply),
      '/vod/:stream/:recording/index.m3u8': (request, reply) =>
        routes.recordedPlaylist(request, reply),
      '/vod/:stream/:recording/poster.jpg': (request, reply) => routes.poster(request, reply),
      '/vod/:stream/:recording/thumbnails.vtt': (request, reply) =>
        thumbnails.recordedTrack(request, reply),
      '/vod/:stream/:recording/thumbnails/:name': (request, reply) =>
        thumbnails.picture(request, reply),
      '/vod/:stream/:recording/:rendition/index.m3u8': (request, reply) =>
        routes.recordedMediaPlaylist(request, reply),
      '/vod/:stream/:recording/:rendition/:name': (request, reply) => routes.media(request, reply),
      '/api/v1/integrity-key': (request, reply) => routes.integrityKey(request, reply),
      '/api/v1/streams': (request, reply) => routes.streamList(request, reply),
    };
    for (const [url, handler] of Object.entries(paths)) readOnlyRoute(scope, url, handler);
    done();
  });
}
