// How viewers of one rendition find each other: the swarm's name comes from the playlist URL and
// the rendition, so that every player of the same stream computes the same one without asking.

declare const brand: unique symbol;

/** Text that names the swarm of one stream, before the exchange hashes it per rendition. */
export type SwarmId = string & { readonly [brand]: 'SwarmId' };

/**
 * The swarm of a multivariant playlist. The query is dropped: it carries tokens that differ from
 * viewer to viewer. The host stays: two origins may use one stream name for different media.
 */
export function swarmIdOfPlaylist(playlistUrl: string): SwarmId {
  const url = new URL(playlistUrl);
  return `${url.host}${url.pathname}` as SwarmId;
}
