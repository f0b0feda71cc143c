// The rows of the swarm benchmark: what the viewers can upload, who comes and goes, who cheats, and
// by which scheme they exchange segments.

import type { SyntheticLiveOriginOptions } from '../support/synthetic-live-origin.ts';

/**
 * Shoal's exchange; Shoal's mode `p2p-media-loader`, which assigns whole segments to viewers, and the
 * same with segments cut in four; p2p-media-loader's own core in charge.
 */
export type Scheme =
  | 'Shoal'
  | 'p2p-media-loader, assigned'
  | 'p2p-media-loader, assigned, sliced'
  | 'p2p-media-loader, tuned'
  | 'p2p-media-loader, defaults';

/** One viewer, as its process is told about it. */
export interface ViewerSpec {
  readonly scheme: Scheme;
  /** As a multiple of the stream; absent: not limited. */
  readonly uplink?: number;
  readonly canUpload?: boolean;
  readonly cheat?: 'liar' | 'poisoner' | 'freeRider';
  readonly delayMs?: number;
  readonly vanishes?: boolean;
}

export interface SwarmCase {
  readonly name: string;
  readonly viewerCount: number;
  readonly viewer?: (index: number) => Omit<ViewerSpec, 'scheme'>;
  readonly joinIntervalMs?: number;
  readonly origin?: Partial<SyntheticLiveOriginOptions>;
  /** One viewer leaves and one joins in this time. */
  readonly churnMs?: number;
  /** Viewers who join within two seconds when the measurement begins. */
  readonly crowd?: number;
  readonly warmUpMs?: number;
  readonly measuredMs?: number;
  /** Beside Shoal's exchange, which every case is run with. */
  readonly others?: readonly Scheme[];
}

const all: readonly Scheme[] = [
  'p2p-media-loader, assigned',
  'p2p-media-loader, assigned, sliced',
  'p2p-media-loader, tuned',
  'p2p-media-loader, defaults',
];

const every = (of: number, spec: Omit<ViewerSpec, 'scheme'>) => (index: number) => ({
  uplink: 2,
  ...(index % of === 1 ? spec : {}),
});

export const swarmCases: readonly SwarmCase[] = [
  { name: 'N=12, no limit', viewerCount: 12, others: all },
  { name: 'N=12, uplink 2x', viewerCount: 12, viewer: () => ({ uplink: 2 }), others: all },
  { name: 'N=12, uplink 1.4x', viewerCount: 12, viewer: () => ({ uplink: 1.4 }), others: all },
  { name: 'N=12, uplink 1x', viewerCount: 12, viewer: () => ({ uplink: 1 }), others: all },
  {
    name: 'N=12, a third cannot upload, the rest 2x',
    viewerCount: 12,
    viewer: (index) => (index % 3 === 0 ? { canUpload: false } : { uplink: 2 }),
  },
  {
    name: 'N=12, a third 0.3x, the rest 2x',
    viewerCount: 12,
    viewer: (index) => ({ uplink: index % 3 === 0 ? 0.3 : 2 }),
  },
  { name: 'N=50, no limit', viewerCount: 50, joinIntervalMs: 200, warmUpMs: 20_000 },
  {
    name: 'N=40, uplink 1.4x',
    viewerCount: 40,
    viewer: () => ({ uplink: 1.4 }),
    joinIntervalMs: 200,
    warmUpMs: 20_000,
  },
  // Long enough for meshes to grow dense where links are not bounded.
  { name: 'N=20, dense mesh', viewerCount: 20, warmUpMs: 45_000 },
  { name: 'N=20, one leaves and joins every 3 s', viewerCount: 20, churnMs: 3_000 },
  {
    name: 'N=20, one vanishes and one joins every 3 s',
    viewerCount: 20,
    churnMs: 3_000,
    viewer: () => ({ vanishes: true }),
  },
  { name: '10 viewers and 50 in 2 s', viewerCount: 10, crowd: 50, measuredMs: 60_000 },
  {
    name: 'N=12, uplink 1.4x, 100 ms more RTT',
    viewerCount: 12,
    viewer: () => ({ uplink: 1.4, delayMs: 50 }),
  },
  {
    name: 'N=12, uplink 1.4x, 3 s behind live',
    viewerCount: 12,
    viewer: () => ({ uplink: 1.4 }),
    origin: { targetDurationSeconds: 1 },
  },
  { name: 'N=20, 10 % liars', viewerCount: 20, viewer: every(10, { cheat: 'liar' }) },
  { name: 'N=20, 10 % poisoners', viewerCount: 20, viewer: every(10, { cheat: 'poisoner' }) },
  { name: 'N=20, 20 % free riders', viewerCount: 20, viewer: every(5, { cheat: 'freeRider' }) },
];
