// What a viewer may say about its neighbours in a beacon, for the picture of who feeds whom. The
// player reports it, the tracker keeps it for half a minute in memory and nowhere else.

export interface PeerTraffic {
  /** The neighbour, by {@link shortPeerId}. */
  readonly id: string;
  /** Media since the last beacon, from it and to it. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/** Neighbours in one beacon; those with most traffic are named. */
export const maxReportedPeers = 16;

export const shortPeerIdPattern = /^[A-Za-z0-9]{8}$/;

/**
 * The end of a viewer's peer id, which is random at every page view: enough to tell viewers of one
 * stream apart. `null` for ids of other players, which may say more.
 */
export function shortPeerId(peerId: string): string | null {
  const id = peerId.slice(-8);
  return shortPeerIdPattern.test(id) ? id : null;
}
