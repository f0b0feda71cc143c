// Which sessions are held out from the swarm, so that viewing with and without peers can be
// compared honestly: by chance alone, the same for the whole session. Pure.

/** Uniform in [0, 1) from the session's random name: FNV-1a with MurmurHash3's finalizer. */
function placeOf(session: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < session.length; index += 1)
    hash = Math.imul(hash ^ session.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

/** @param p2pShare sessions that may use peers, in 0…1; the others are held out */
export function isHeldOut(session: string, p2pShare: number): boolean {
  return placeOf(session) >= p2pShare;
}
