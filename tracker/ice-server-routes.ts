// GET /api/v1/ice-servers: the STUN and TURN servers that players use, with credentials for a day,
// for viewers with a token where the tracker asks for one. The tracker registers it.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { iceServersOf, type TurnSetting } from './admission/turn-credentials.ts';
import type { VerifyViewerToken } from './admission/viewer-token.ts';
import { TrackerError } from './errors.ts';
import { iceServersPath } from './protocol/index.ts';

export interface IceServerRouteOptions {
  /** `null` without any server: the answer is an empty list. */
  readonly turn: TurnSetting | null;
  readonly verifyToken: VerifyViewerToken | null;
}

export function registerIceServers(
  server: FastifyInstance,
  { turn, verifyToken }: IceServerRouteOptions,
): void {
  server.get<{ Querystring: { token?: unknown } }>(iceServersPath, async (request, reply) => {
    if (verifyToken !== null) await checkToken(request, verifyToken);
    // Credentials are for who asked.
    reply.header('cache-control', 'no-store');
    return { iceServers: turn === null ? [] : iceServersOf(turn, Date.now()) };
  });
}

async function checkToken(
  request: FastifyRequest<{ Querystring: { token?: unknown } }>,
  verifyToken: VerifyViewerToken,
): Promise<void> {
  const inHeader = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const token = inHeader ?? request.query.token;
  if (typeof token !== 'string' || token === '') {
    throw new TrackerError('token-missing', 'Send a viewer token as Bearer or as ?token=.');
  }
  if ((await verifyToken(token)) === null) {
    throw new TrackerError('token-invalid', 'Ask the site for a new viewer token.');
  }
}
