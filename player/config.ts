// The options of a Shoal player: one flat object, every default here. `createShoalHls` reads it
// from `config.shoal`, the element builds it from its attributes.

import type { RefreshCdnAccess } from './delivery/cdn/cdn-fetch.ts';
import type { RefreshToken } from './viewer-tokens.ts';

/** Who may deliver: `on` joins the swarm at once, `consent` waits for `allowPeers()`, `off` never. */
export type PeerMode = 'on' | 'off' | 'consent';

/** `shoal` relays verified pieces; `p2p-media-loader` speaks with swarms that already exist. */
export type ExchangeKind = 'shoal' | 'p2p-media-loader';

/** One of several places that have the same files under the same paths. */
export interface CdnBaseUrl {
  readonly url: string;
  /** Share of the viewers relative to the others; 1 by default, 0 only when all others fail. */
  readonly weight?: number | undefined;
}

export interface ShoalConfig {
  /** WebSocket URL of the tracker (`ws:`, `wss:`, `http:` or `https:`); without one, CDN only. */
  readonly tracker?: string | undefined;
  /** Viewer token for trackers that ask for one. */
  readonly token?: string | undefined;
  /** Asked for a token where there is none, and for a new one before it expires. */
  readonly refreshToken?: RefreshToken | undefined;
  /** In place of `refreshToken`: a URL that answers `{ "token": … }` to GET. */
  readonly tokenUrl?: string | undefined;
  readonly p2p?: PeerMode | undefined;
  /** Where beacons go: a base URL, `'off'`, or absent for the tracker. */
  readonly telemetry?: string | undefined;
  /** STUN and TURN servers; by default those that the tracker names, never any of third parties. */
  readonly iceServers?: readonly RTCIceServer[] | undefined;
  /** How viewers exchange media: Shoal's pieces, or segments in p2p-media-loader's swarms. */
  readonly exchange?: ExchangeKind | undefined;
  /** Most bytes of segments kept for other viewers; by default from the memory of the device. */
  readonly storeLimitBytes?: number | undefined;
  /** Share of sessions that may use peers, in 0…1; the others are held out, for comparison. */
  readonly p2pShare?: number | undefined;
  /** No connections in a swarm of fewer viewers than this, as the tracker counts them. */
  readonly minViewers?: number | undefined;
  /** Most that is sent to others, in bit/s; `null` is as much as the line takes, `0` nothing. */
  readonly uploadLimitBps?: number | null | undefined;
  /** Most bytes sent per byte received. */
  readonly maxUploadRatio?: number | undefined;
  /** Connections by TURN servers only, so that no viewer learns the address of another. */
  readonly relayOnly?: boolean | undefined;
  /** Lets the player turn peers down or off where they make playback worse. */
  readonly qualityGuard?: boolean | undefined;
  /**
   * The origin's public key, 32 bytes in base64url (`x` of `GET /api/v1/integrity-key`): only what is
   * signed with it may come from peers. Without one, whatever has a digest.
   */
  readonly integrityKey?: string | undefined;
  /** CDNs that have the same files; without any, files come from where playlists name them. */
  readonly cdnBaseUrls?: readonly CdnBaseUrl[] | undefined;
  /** Asked when the CDN answers 401 or 403: what requests are to carry from then on. */
  readonly refreshCdnAccess?: RefreshCdnAccess | undefined;
}

export const shoalDefaults = {
  p2p: 'on',
  exchange: 'shoal',
  p2pShare: 1,
  minViewers: 0,
  uploadLimitBps: null,
  maxUploadRatio: 1,
  relayOnly: false,
  qualityGuard: true,
} as const satisfies Partial<ShoalConfig>;
