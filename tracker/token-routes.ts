// Viewer tokens over HTTP: given out for trials, and revoked before they expire. The tracker adds
// these routes where a token secret is set; sites sign their tokens themselves.

import { parseStreamId } from '@shoal/ingest/protocol';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { signViewerToken, type VerifyViewerToken } from './admission/viewer-token.ts';
import { TrackerError } from './errors.ts';
import type { Revocations } from './shared/revocations.ts';

export interface TokenRouteOptions {
  readonly secret: string;
  readonly verifyToken: VerifyViewerToken;
  readonly revocations: Revocations;
  /** Gives anybody a token: for trials. */
  readonly isEndpointOpen: boolean;
  /** Without a dashboard token anybody could revoke. */
  readonly isProtected: boolean;
}

export const viewerTokenPath = '/api/v1/viewer-token';

/** Long enough for an evening on pages that do not renew it. */
const lifetimeSeconds = 12 * 3_600;
/** Of a token that is named by its id alone, nobody knows when it expires. */
const unknownLifetimeMs = 7 * 24 * 3_600_000;

const revocation = z.union([
  z.object({ token: z.string().min(1).max(2_048) }),
  z.object({ tokenId: z.string().min(1).max(128) }),
]);

export function registerTokenRoutes(server: FastifyInstance, options: TokenRouteOptions): void {
  if (options.isEndpointOpen) {
    server.get(viewerTokenPath, async (request, reply) => {
      const { query } = request;
      const named =
        typeof query === 'object' && query !== null && 'stream' in query ? query.stream : null;
      const stream = typeof named === 'string' ? parseStreamId(named) : null;
      if (stream === null) throw new TrackerError('query-invalid', 'Name a stream: ?stream=demo.');
      const token = await signViewerToken(options.secret, { stream, lifetimeSeconds });
      const expiresAt = new Date(Date.now() + lifetimeSeconds * 1_000).toISOString();
      return reply.header('cache-control', 'no-store').send({ token, expiresAt });
    });
  }
  server.post('/api/v1/revocations', async (request, reply) => {
    if (!options.isProtected) {
      throw new TrackerError(
        'revocation-not-enabled',
        'Set SHOAL_DASHBOARD_TOKEN and give it as Bearer: else anybody could send viewers away.',
      );
    }
    const { tokenId, untilMs } = await revokedBy(request.body, options.verifyToken);
    try {
      await options.revocations.revoke(tokenId, untilMs);
    } catch (error) {
      throw new TrackerError('store-unavailable', 'Revoke it again: Redis does not answer.', {
        cause: error,
      });
    }
    return reply.code(204).send();
  });
}

async function revokedBy(
  body: unknown,
  verifyToken: VerifyViewerToken,
): Promise<{ readonly tokenId: string; readonly untilMs: number }> {
  const result = revocation.safeParse(body);
  if (!result.success) {
    throw new TrackerError('request-invalid', 'Send {"token": …} or {"tokenId": …} as JSON.');
  }
  if ('tokenId' in result.data) {
    return { tokenId: result.data.tokenId, untilMs: Date.now() + unknownLifetimeMs };
  }
  const permission = await verifyToken(result.data.token);
  if (permission === null || permission.tokenId === null) {
    throw new TrackerError('token-invalid', 'The token is not valid any more, or has no jti.');
  }
  return { tokenId: permission.tokenId, untilMs: permission.expiresAtMs };
}
