// A beacon after the schema: ids parsed, times in whole milliseconds, absurd values refused.
// The beacon schema makes it, the rollup counts it.

import type { RenditionName, StreamId } from '@shoal/ingest/protocol';
import type { PeerTraffic } from '../../protocol/index.ts';

export interface AcceptedBeacon {
  readonly session: string;
  readonly sequence: number;
  readonly stream: StreamId;
  readonly rendition: RenditionName | null;
  readonly cdnBytes: number;
  readonly peerBytes: number;
  readonly uploadedBytes: number;
  readonly discardedBytes: number;
  readonly relayedBytes: number;
  readonly stallCount: number;
  readonly stalledMs: number;
  readonly playedMs: number;
  readonly startupMs: number | null;
  readonly liveLatencyMs: number | null;
  readonly ended: boolean;
  /** Time that the counters cover, as the player says. */
  readonly intervalMs: number;
  /** Whether this viewer exchanges segments with others. */
  readonly p2pEnabled: boolean;
  readonly peerCount: number;
  readonly heldOut?: boolean | undefined;
  readonly guard?: 'careful' | 'off' | undefined;
  readonly errorCount?: number | undefined;
  readonly cdnTroubleCount?: number | undefined;
  readonly lateBytes?: number | undefined;
  readonly peerId?: string | undefined;
  readonly peers?: readonly PeerTraffic[] | undefined;
}
