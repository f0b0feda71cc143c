// Viewer tokens: who may join swarms and report delivery where the operator has set a secret.
// The tracker hands the verifier to signalling and telemetry, which ask it once per socket or beacon.

import { createHmac, randomUUID } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import { swarmKeyClaim } from '../protocol/index.ts';

/** What a valid token allows. */
export interface ViewerPermission {
  /** The token's `jti` (RFC 7519 §4.1.7), under which it can be revoked. */
  readonly tokenId: string | null;
  /** Until when it is taken: a revoked one must not come back for the tolerance after its end. */
  readonly expiresAtMs: number;
  /** The one stream it is good for, `null` for all. */
  readonly stream: string | null;
  /** The client address it is bound to (IPv4, or the /64 of IPv6), `null` for none. */
  readonly address: string | null;
  /** How many sockets may use this token at once, `null` for no limit. */
  readonly uses: { readonly tokenId: string; readonly maxSockets: number } | null;
}

const claims = z.object({
  stream: z.string().nullish(),
  address: z.string().nullish(),
  maxSockets: z.int().min(1).nullish(),
  jti: z.string().min(1).max(128).nullish(),
});

/** The permission in a token, or `null` for a token that is forged, expired or no token. */
export type VerifyViewerToken = (token: string) => Promise<ViewerPermission | null>;

/** Longer texts are refused unread; ours are below 300 characters. */
const maxTokenLength = 2_048;
/** How far the clocks of issuer and tracker may be apart. */
const clockToleranceSeconds = 10;

const algorithm = 'HS256';

function keyOf(secret: string): Uint8Array {
  return new TextEncoder().encode(secret);
}

/** A verifier of JWTs (RFC 7519) that are signed with `secret` and expire. */
export function createViewerTokenVerifier(secret: string): VerifyViewerToken {
  const key = keyOf(secret);
  return async (token) => {
    if (token.length > maxTokenLength) return null;
    try {
      const { payload } = await jwtVerify(token, key, {
        // Named, or a token could choose its own (RFC 8725 §3.1).
        algorithms: [algorithm],
        requiredClaims: ['exp'],
        clockTolerance: clockToleranceSeconds,
      });
      const { success, data } = claims.safeParse(payload);
      if (!success) return null;
      const { stream, address, maxSockets, jti: tokenId } = data;
      // A limit needs a name to count under.
      if (maxSockets && !tokenId) return null;
      return {
        tokenId: tokenId ?? null,
        expiresAtMs: ((payload.exp ?? 0) + clockToleranceSeconds) * 1_000,
        stream: stream ?? null,
        address: address ?? null,
        uses: maxSockets && tokenId ? { tokenId, maxSockets } : null,
      };
    } catch (error) {
      if (error instanceof errors.JOSEError) return null;
      throw error;
    }
  };
}

export interface ViewerTokenClaims {
  readonly stream: string | null;
  readonly lifetimeSeconds: number;
  /** The viewer's public address: IPv4, or the first 64 bits of IPv6 as `a:b:c:d::/64`. */
  readonly address?: string;
  /** How many sockets may use the token at once; {@link defaultMaxSockets} without it. */
  readonly maxSockets?: number;
}

/** A player holds one socket for each rendition that it plays or has just left; a page may have several. */
export const defaultMaxSockets = 16;

/**
 * What the names of a stream's swarms are made with: the same for all its viewers, and nobody who
 * has no token can compute it. 128 bits.
 */
function swarmKeyOf(secret: string, stream: string): string {
  const digest = createHmac('sha256', secret).update(`shoal swarm key\n${stream}`).digest();
  return digest.subarray(0, 16).toString('base64url');
}

/** A token for one viewer, for sites that let their own users watch. */
export async function signViewerToken(
  secret: string,
  { stream, lifetimeSeconds, address, maxSockets }: ViewerTokenClaims,
): Promise<string> {
  // A token for every stream is a tool's, not a viewer's.
  const limit = maxSockets ?? (stream === null ? undefined : defaultMaxSockets);
  const payload = {
    ...(stream === null ? {} : { stream, [swarmKeyClaim]: swarmKeyOf(secret, stream) }),
    ...(address === undefined ? {} : { address }),
    ...(limit === undefined ? {} : { maxSockets: limit }),
  };
  return await new SignJWT(payload)
    .setProtectedHeader({ alg: algorithm, typ: 'JWT' })
    .setIssuedAt()
    .setJti(randomUUID())
    .setExpirationTime(`${lifetimeSeconds} seconds`)
    .sign(keyOf(secret));
}
