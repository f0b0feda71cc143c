// What a viewer's player reports to POST /api/v1/beacons: counters since its last beacon. The
// sequence number lets the tracker count a repeated beacon once; nothing identifies a person.

import type { PeerTraffic } from './peer-traffic.ts';

/** Largest body the tracker accepts, in bytes. */
export const maxBeaconSizeBytes = 16 * 1024;
/** A player sends at most one beacon in this time, except the one that ends the session. */
export const minBeaconIntervalMs = 5_000;

export interface DeliveryBeacon {
  /** Random per page view, 16 to 64 characters of `[A-Za-z0-9_-]`. */
  readonly session: string;
  /** 0, 1, 2, …; a repeat carries the same number and the same counters. */
  readonly sequence: number;
  readonly stream: string;
  /** Rendition played at the time of the beacon, or `null` before the first. */
  readonly rendition: string | null;
  /** Time that the counters cover, in milliseconds. */
  readonly intervalMs: number;
  readonly cdnBytes: number;
  readonly peerBytes: number;
  readonly uploadedBytes: number;
  /** Received but not played: duplicates and what failed its digest. */
  readonly discardedBytes: number;
  /** Received by way of TURN servers, whatever became of it; absent in older players. */
  readonly relayedBytes?: number;
  readonly stallCount: number;
  readonly stallSeconds: number;
  /** Time spent playing, stalls excluded. */
  readonly playedSeconds: number;
  /** Time from load to the first frame; only in the beacon after it happened, else `null`. */
  readonly startupSeconds: number | null;
  readonly liveLatencySeconds: number | null;
  readonly peerCount: number;
  /** `false` when this viewer plays from the CDN alone. */
  readonly p2pEnabled: boolean;
  /** The end of this viewer's random peer id, see `shortPeerId`; absent without peers. */
  readonly peerId?: string;
  /** Traffic with neighbours since the last beacon, at most `maxReportedPeers`. */
  readonly peers?: readonly PeerTraffic[];
  /** `true` for sessions held out by chance, so that viewing without peers can be compared. */
  readonly heldOut?: boolean;
  /** How far the quality guard lets peers deliver; absent while they may. */
  readonly guard?: 'careful' | 'off';
  /** Failures that reached the player: fatal errors, segments that nobody could deliver. */
  readonly errorCount?: number;
  /** Requests that the CDN refused, broke off or answered far too late. */
  readonly cdnTroubleCount?: number;
  /** Of `cdnBytes`, what peers owed and did not deliver in time. */
  readonly lateBytes?: number;
  /** `true` in the last beacon of the session. */
  readonly ended: boolean;
}
