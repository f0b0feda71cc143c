// Which errors of hls.js say that a playlist did not come: playlists come from the CDN alone, and a stall
// that follows must not be laid to the peers' charge. Pure; the session asks.

const failures = /^(?:(?:manifest|level|audioTrack)(?:Load|Parsing|Empty)|playlistUnchanged)/;

/** @param details of an hls.js error, as in `Hls.ErrorDetails` */
export function isPlaylistTrouble(details: string): boolean {
  return failures.test(details);
}
