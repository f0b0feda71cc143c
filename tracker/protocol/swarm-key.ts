// The key of a stream's swarm names, as a viewer token carries it: who has no token cannot compute
// the names. The tracker puts it into tokens, the player reads it; a signature is not checked here.

/** The claim of a viewer token with the key, in base64url. */
export const swarmKeyClaim = 'swarmKey';

const keyText = /^[A-Za-z0-9_-]{16,128}$/;

/** The key in a viewer token (JWT, RFC 7519), `null` without one. */
export function swarmKeyOfToken(token: string | null | undefined): string | null {
  const payload = token?.split('.')[1];
  if (payload === undefined) return null;
  try {
    const claims: unknown = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')));
    if (typeof claims !== 'object' || claims === null || !(swarmKeyClaim in claims)) return null;
    const { [swarmKeyClaim]: key } = claims;
    return typeof key === 'string' && keyText.test(key) ? key : null;
  } catch {
    return null;
  }
}
