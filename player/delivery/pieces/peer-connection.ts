// The parts of simple-peer and of bittorrent-tracker's client that the exchange uses, as types: the
// classes come from outside, one kind for browsers and one for Node.

import type { ConnectionWithStats } from './relayed-links.ts';

/** The part of simple-peer that is used here. */
export interface PeerConnection extends ConnectionWithStats {
  readonly id?: string;
  /** This side made the offer. */
  readonly initiator: boolean;
  readonly destroyed: boolean;
  /** Bytes that wait to be sent. */
  readonly bufferSize: number;
  send(data: Uint8Array): void;
  destroy(): void;
  on(event: 'connect' | 'close' | 'error', listener: () => void): void;
  on(event: 'data', listener: (data: Uint8Array<ArrayBuffer>) => void): void;
}

/** The part of bittorrent-tracker's client that is used here. */
export interface TrackerClient {
  on(event: 'peer', listener: (peer: PeerConnection) => void): void;
  on(event: 'update', listener: (answer: unknown) => void): void;
  on(event: 'warning' | 'error', listener: (error: unknown) => void): void;
  start(): void;
  update(): void;
  destroy(): void;
}

/** The part of `RTCConfiguration` that is used here. */
export interface PeerConnectionConfig {
  readonly iceServers: readonly RTCIceServer[];
  /** `relay`: by TURN servers only, so that no other viewer learns this one's address. */
  readonly iceTransportPolicy?: 'all' | 'relay';
}

export type TrackerClientClass = new (options: {
  readonly infoHash: Uint8Array;
  readonly peerId: Uint8Array;
  readonly announce: readonly string[];
  readonly port: number;
  readonly rtcConfig: PeerConnectionConfig;
  /** Asked before each announce. */
  readonly getAnnounceOpts?: () => { readonly numwant?: number; readonly shoal?: object };
}) => TrackerClient;
