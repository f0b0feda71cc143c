// The pages for people and the player's files, as the build left them. The composition root
// registers them; each page learns its stream and where the tracker is from the settings put in.

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { IngestError } from './errors.ts';
import { parseStreamId } from './protocol/index.ts';

/** What a page reads from its `shoal-config` element. */
export interface PageSettings {
  readonly stream: string;
  /** WebSocket URL, or `null` without a tracker. */
  readonly tracker: string | null;
  readonly dashboard: string | null;
  /** Where a viewer of this stream gets its token, `null` where nobody gives any away. */
  readonly tokenUrl: string | null;
  /** Public key of this origin, for players on other sites to pin; `x` of its JSON Web Key. */
  readonly integrityKey: string;
}

export interface PageRoutesOptions {
  /** Where the build put `index.html`, `watch.html`, `embed.html` and `assets/`. */
  readonly pagesDirectory: string;
  /** Where the build put `shoal.js` and `shoal.mjs`. */
  readonly playerDirectory: string;
  /** Asked at each request; `hostname` is the one in the client's address bar. */
  readonly settingsOf: (stream: string, hostname: string) => PageSettings;
  /** Stream of the page to broadcast from. */
  readonly defaultStream: string;
}

const settingsPlace = '<!--shoal-config-->';
const playerFiles = /^\/shoal(?:-hls|-verify|-sound|-p2p-media-loader)?\.m?js(?:\.map)?$/;

/** JSON that cannot end the script element around it, nor break a line of JavaScript. */
function escapeForScript(json: string): string {
  return json
    .replaceAll('<', '\\u003c')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029');
}

/** The page with its settings in place. */
export function withSettings(html: string, settings: PageSettings): string {
  const json = escapeForScript(JSON.stringify(settings));
  const script = `<script id="shoal-config" type="application/json">${json}</script>`;
  return html.replace(settingsPlace, () => script);
}

async function readPage(directory: string, name: string): Promise<string> {
  try {
    return await readFile(path.join(directory, name), 'utf8');
  } catch (error) {
    const message = "The pages are not built; run 'npm run build'.";
    throw new IngestError('resource-not-found', message, { cause: error });
  }
}

/** Registers `/`, `/watch/{stream}`, `/embed/{stream}`, `/assets/` and `/player/`. */
export async function registerPages(
  app: FastifyInstance,
  options: PageRoutesOptions,
): Promise<void> {
  const { pagesDirectory, playerDirectory, settingsOf } = options;
  const send = async (
    request: FastifyRequest,
    reply: FastifyReply,
    name: string,
    stream: string,
  ): Promise<string> => {
    const html = await readPage(pagesDirectory, name);
    reply.type('text/html; charset=utf-8').headers({
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'strict-origin-when-cross-origin',
    });
    return withSettings(html, settingsOf(stream, request.hostname));
  };
  app.get('/', (request, reply) => send(request, reply, 'index.html', options.defaultStream));
  for (const page of ['watch', 'embed']) {
    app.get<{ Params: { stream: string } }>(`/${page}/:stream`, async (request, reply) => {
      const stream = parseStreamId(request.params.stream);
      if (stream === null) {
        throw new IngestError('stream-not-found', 'No stream can have this name.');
      }
      return send(request, reply, `${page}.html`, stream);
    });
  }
  await app.register(fastifyStatic, {
    root: path.join(pagesDirectory, 'assets'),
    prefix: '/assets/',
    decorateReply: false,
    // Names carry a hash of the content. Its own Cache-Control would overwrite this one.
    cacheControl: false,
    setHeaders: (response) => {
      response.setHeader('cache-control', 'public, max-age=31536000, immutable');
    },
  });
  await app.register(fastifyStatic, {
    root: playerDirectory,
    prefix: '/player/',
    decorateReply: false,
    cacheControl: false,
    allowedPath: (pathName) => playerFiles.test(pathName),
    setHeaders: (response) => {
      response.setHeader('cache-control', 'public, max-age=60');
      response.setHeader('access-control-allow-origin', '*');
    },
  });
}
