// What the operator of a tracker may change in all players while they play, with the kill switch
// for peers. GET /api/v1/player-config gives it; beacon answers name its version.

export interface PlayerConfig {
  /** Changes with every change of the others. */
  readonly version: number;
  /** `false` takes every player out of the swarms. */
  readonly p2p: boolean;
  /** Share of sessions that may use peers, in 0…1; `null` leaves it to the page. */
  readonly p2pShare: number | null;
  /** No swarm with fewer viewers than this; `null` leaves it to the page. */
  readonly minViewers: number | null;
  /** Most that a viewer sends, in bit/s; `null` leaves it to the page. */
  readonly uploadLimitBps: number | null;
}

/** Response header of beacons: the version of the player config. */
export const playerConfigVersionHeader = 'shoal-player-config';

export const defaultPlayerConfig: PlayerConfig = {
  version: 0,
  p2p: true,
  p2pShare: null,
  minViewers: null,
  uploadLimitBps: null,
};

function numberIn(value: unknown, least: number, most: number): number | null {
  return typeof value === 'number' && value >= least && value <= most ? value : null;
}

/** The config in a tracker's answer; `null` when it is none. */
export function parsePlayerConfig(value: unknown): PlayerConfig | null {
  if (typeof value !== 'object' || value === null) return null;
  const { version, p2p, p2pShare, minViewers, uploadLimitBps } = value as Record<string, unknown>;
  if (typeof p2p !== 'boolean') return null;
  return {
    version: numberIn(version, 0, Number.MAX_SAFE_INTEGER) ?? 0,
    p2p,
    p2pShare: numberIn(p2pShare, 0, 1),
    minViewers: numberIn(minViewers, 0, 1e6),
    uploadLimitBps: numberIn(uploadLimitBps, 0, 1e12),
  };
}
