// Viewer tokens: who may join swarms and report delivery where the operator has set a secret.
// The tracker hands the verifier to signalling and telemetry, which ask it once per socket or beacon.

import { errors, jwtVerify, SignJWT } from 'jose';

/** What a valid token allows. */
export interface ViewerPermission {
  /** The one stream it is good for, `null` for all. */
  readonly stream: string | null;
}

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
      const { stream } = payload;
      if (stream !== undefined && typeof stream !== 'string') return null;
      return { stream: stream ?? null };
    } catch (error) {
      if (error instanceof errors.JOSEError) return null;
      throw error;
    }
  };
}

export interface ViewerTokenClaims {
  readonly stream: string | null;
  readonly lifetimeSeconds: number;
}

/** A token for one viewer, for sites that let their own users watch. */
export async function signViewerToken(secret: string, claims: ViewerTokenClaims): Promise<string> {
  return await new SignJWT(claims.stream === null ? {} : { stream: claims.stream })
    .setProtectedHeader({ alg: algorithm, typ: 'JWT' })
    .setIssuedAt()
    .setExpirationTime(`${claims.lifetimeSeconds} seconds`)
    .sign(keyOf(secret));
}
