// Who may see the figures where SHOAL_DASHBOARD_TOKEN is set: the dashboard and its API ask for the
// token, what viewers and machines need stays open. The tracker adds it before any route.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { TrackerError } from './errors.ts';
import { iceServersPath } from './protocol/index.ts';
import { viewerTokenPath } from './token-routes.ts';

/** Viewers post here, and probes and Prometheus read here; everything else shows figures. */
const openPaths: ReadonlySet<string> = new Set([
  '/api/v1/beacons',
  viewerTokenPath,
  iceServersPath,
  // Players read it; who may change it is asked there.
  '/api/v1/player-config',
  '/healthz',
  '/readyz',
  '/metrics',
]);

/**
 * Asks for the token as the password of HTTP Basic (RFC 7617), which browsers ask their user for and
 * send with live events too, or as Bearer (RFC 6750) for programs.
 */
export function protectDashboard(server: FastifyInstance, token: string): void {
  const isRight = tokenCheck(token);
  server.addHook('onRequest', async (request, reply) => {
    const path = request.url.split('?')[0] ?? '';
    if (request.method === 'OPTIONS' || openPaths.has(path)) return;
    if (isRight(request)) return;
    reply.header('www-authenticate', 'Basic realm="Shoal", charset="UTF-8"');
    throw new TrackerError(
      'dashboard-token-wrong',
      'Give the dashboard token as the password, or as Bearer.',
    );
  });
}

/** Whether a request carries the token, in either of the two ways. */
export function tokenCheck(token: string): (request: FastifyRequest) => boolean {
  const expected = digestOf(token);
  return (request) => {
    const given = tokenOf(request);
    return given !== null && timingSafeEqual(digestOf(given), expected);
  };
}

/** Digests have one length, as a comparison in constant time needs. */
function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function tokenOf(request: FastifyRequest): string | null {
  const [scheme = '', credentials = ''] = (request.headers.authorization ?? '').split(' ');
  if (/^bearer$/i.test(scheme)) return credentials;
  if (!/^basic$/i.test(scheme)) return null;
  const pair = Buffer.from(credentials, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return colon < 0 ? null : pair.slice(colon + 1);
}
