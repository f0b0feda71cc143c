// The options of a Shoal player: one flat object, every default here. `createShoalHls` reads it
// from `config.shoal`, the element builds it from its attributes.

/** Who may deliver: `on` joins the swarm at once, `consent` waits for `allowPeers()`, `off` never. */
export type PeerMode = 'on' | 'off' | 'consent';

/** `shoal` relays verified pieces; `p2p-media-loader` speaks with swarms that already exist. */
export type ExchangeKind = 'shoal' | 'p2p-media-loader';

export interface ShoalConfig {
  /** WebSocket URL of the tracker (`ws:`, `wss:`, `http:` or `https:`); without one, CDN only. */
  readonly tracker?: string | undefined;
  /** Viewer token for trackers that ask for one. */
  readonly token?: string | undefined;
  readonly p2p?: PeerMode | undefined;
  /** Where beacons go: a base URL, `'off'`, or absent for the tracker. */
  readonly telemetry?: string | undefined;
  /** STUN and TURN servers; by default those that the tracker names, never any of third parties. */
  readonly iceServers?: readonly RTCIceServer[] | undefined;
  /** How viewers exchange media: Shoal's pieces, or segments in p2p-media-loader's swarms. */
  readonly exchange?: ExchangeKind | undefined;
  /** Most bytes of segments kept for other viewers. */
  readonly storeLimitBytes?: number | undefined;
}

export const shoalDefaults = {
  p2p: 'on',
  exchange: 'shoal',
  storeLimitBytes: 64 * 1024 * 1024,
} as const satisfies Partial<ShoalConfig>;
