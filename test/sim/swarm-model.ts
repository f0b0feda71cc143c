// What a simulated swarm is made of: viewers and their lines, the network between them, the CDN,
// who comes, goes and cheats. Pure data; the simulator plays it.

/**
 * What a viewer does beside watching. Liars announce everything and send nothing; poisoners send
 * wrong bytes; free riders take their place on the ring and pass nothing on; claimers say that they
 * fetch every slice; sleepers stand still for ten seconds out of thirty, as suspended tabs do.
 */
export type Behaviour = 'honest' | 'liar' | 'poisoner' | 'freeRider' | 'claimer' | 'sleeper';

/** A kind of viewer; what is drawn for each comes from `random`. */
export interface ViewerProfile {
  /** Uplink in bit/s, 0 for one that cannot upload and says so. */
  readonly uplinkBps: number;
  readonly behaviour?: Behaviour;
}

export interface SwarmModel {
  readonly viewerCount: number;
  readonly profileOf: (viewer: number, random: () => number) => ViewerProfile;
  readonly bitrateBps: number;
  readonly targetDurationMs: number;
  /** From the capture of a frame to its display; drawn up to one target duration more. */
  readonly latencyMs: number;
  readonly downlinkBps: number;
  /** Neighbours that a viewer dials; it accepts up to `maxNeighbours`. */
  readonly degree: number;
  readonly maxNeighbours: number;
  readonly leastDelayMs: number;
  readonly mostDelayMs: number;
  /** Share of pairs that cannot connect. */
  readonly blockedPairShare: number;
  /** Bytes that a piece and a control message cost on the uplink beyond their payload. */
  readonly pieceOverheadBytes: number;
  readonly controlBytes: number;
  readonly cdnFirstByteMs: number;
  /** Mean of an exponential time on top. */
  readonly cdnJitterMs: number;
  readonly cdnBps: number;
  /** Lowest rate of a response as a share of `cdnBps`, uniform up to it. */
  readonly cdnLeastShare: number;
  /** One leaves and one joins in this time. */
  readonly churnMs: number | null;
  /** Those who leave say goodbye; else their neighbours notice after some seconds. */
  readonly saysGoodbye: boolean;
  /** Viewers who join within two seconds when the measurement begins. */
  readonly crowd: number;
  readonly warmUpSegments: number;
  readonly measuredSegments: number;
  readonly seed: number;
}

/** The conditions of the published figures; see test/bench/results/sim.md. */
export const defaultModel: SwarmModel = {
  viewerCount: 12,
  profileOf: () => ({ uplinkBps: 100_000_000 }),
  bitrateBps: 2_500_000,
  targetDurationMs: 2_000,
  latencyMs: 6_000,
  downlinkBps: 50_000_000,
  degree: 10,
  maxNeighbours: 16,
  leastDelayMs: 10,
  mostDelayMs: 75,
  blockedPairShare: 0.18,
  pieceOverheadBytes: 40,
  controlBytes: 80,
  cdnFirstByteMs: 20,
  cdnJitterMs: 0,
  cdnBps: 25_000_000,
  cdnLeastShare: 1,
  churnMs: null,
  saysGoodbye: true,
  crowd: 0,
  warmUpSegments: 5,
  measuredSegments: 15,
  seed: 1,
};

/** How long neighbours of a viewer who vanishes go on as if it were there. */
export const vanishedAfterMs = 6_000;

const mbit = 1_000_000;

/** Fibre 30 %, cable 35 %, DSL 20 %, phones that do not upload 15 %. */
export function realMix(_viewer: number, random: () => number): ViewerProfile {
  const kind = random();
  const size = random();
  if (kind < 0.3) return { uplinkBps: (20 + 80 * size) * mbit };
  if (kind < 0.65) return { uplinkBps: (5 + 7 * size) * mbit };
  if (kind < 0.85) return { uplinkBps: (1 + 3 * size) * mbit };
  return { uplinkBps: 0 };
}

/** Fibre 10 %, cable 30 %, slow DSL 35 %, phones that do not upload 25 %. */
export function poorMix(_viewer: number, random: () => number): ViewerProfile {
  const kind = random();
  const size = random();
  if (kind < 0.1) return { uplinkBps: (20 + 30 * size) * mbit };
  if (kind < 0.4) return { uplinkBps: (2 + 4 * size) * mbit };
  if (kind < 0.75) return { uplinkBps: (0.7 + 1.3 * size) * mbit };
  return { uplinkBps: 0 };
}
