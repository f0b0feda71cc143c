// Under which name and at which address a viewer meets others: the swarm's info hash, keyed where the
// viewer's token has a key, and the socket's URL. open-source gives both to the exchanges.

import { hmac } from '@noble/hashes/hmac.js';
import { sha1 } from '@noble/hashes/legacy.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { swarmKeyOfToken, swarmSocketUrl } from '@shoal/tracker/protocol';

export interface SwarmAddress {
  /** 20 bytes. */
  readonly infoHash: Uint8Array;
  /** `swarmName` itself, or where there is a key what only its holders can compute. */
  readonly name: string;
  /** WebSocket URL of this viewer alone, see {@link swarmAddressOf}. */
  readonly socketUrl: string;
}

const encoder = new TextEncoder();

/**
 * The tracker client shares one socket among all players of a page that use one URL, and then each
 * of them answers the offers made to any: every player gets a URL of its own.
 */
export function swarmAddressOf(
  trackerUrl: string,
  swarm: { readonly name: string; readonly stream: string; readonly viewerId: string },
): SwarmAddress {
  const key = swarmKeyOfToken(new URL(trackerUrl).searchParams.get('token'));
  const nameBytes = encoder.encode(swarm.name);
  const infoHash = key === null ? sha1(nameBytes) : hmac(sha1, encoder.encode(key), nameBytes);
  const infoHashHex = bytesToHex(infoHash);
  return {
    infoHash,
    name: key === null ? swarm.name : `keyed ${infoHashHex}`,
    socketUrl: swarmSocketUrl(trackerUrl, { ...swarm, infoHashHex }),
  };
}
