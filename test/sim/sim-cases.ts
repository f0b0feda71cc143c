// The swarms that are simulated: the conditions of the real benchmark, and those that no machine
// holds. Used by `npm run bench sim` and, cut short, by the unit tests.

import {
  type Behaviour,
  defaultModel,
  poorMix,
  realMix,
  type SwarmModel,
  type ViewerProfile,
} from './swarm-model.ts';

export interface SimCase {
  readonly name: string;
  readonly model: Partial<SwarmModel>;
  /** The row of `npm run bench swarm` that measures the same. */
  readonly measuredAs?: string;
}

const { bitrateBps } = defaultModel;

const uplink = (factor: number) => (): ViewerProfile => ({ uplinkBps: factor * bitrateBps });

/** Every `of`th viewer behaves so, with an uplink of twice the stream for all. */
const some = (behaviour: Behaviour, of: number) => ({
  viewerCount: 20,
  profileOf: (viewer: number): ViewerProfile => ({
    uplinkBps: 2 * bitrateBps,
    ...(viewer % of === 1 ? { behaviour } : {}),
  }),
});

const thirdHas = (factor: number) => ({
  profileOf: (viewer: number): ViewerProfile => ({
    uplinkBps: (viewer % 3 === 0 ? factor : 2) * bitrateBps,
  }),
});

const jitteryCdn = { cdnJitterMs: 100, cdnLeastShare: 0.4 };
const few = { measuredSegments: 6, warmUpSegments: 5 };
const fewer = { measuredSegments: 2, warmUpSegments: 4 };
/** In a poor mix viewers first have to find strong neighbours: 16 s of the broadcast's hours. */
const adapted = { warmUpSegments: 8 };

/** Names are those of the rows of the real benchmark where it has them. */
export const simCases: readonly SimCase[] = [
  { name: 'N=12, no limit', model: {}, measuredAs: 'N=12, no limit' },
  { name: 'N=12, uplink 2x', model: { profileOf: uplink(2) }, measuredAs: 'N=12, uplink 2x' },
  {
    name: 'N=12, uplink 1.4x',
    model: { profileOf: uplink(1.4) },
    measuredAs: 'N=12, uplink 1.4x',
  },
  { name: 'N=12, uplink 1x', model: { profileOf: uplink(1) }, measuredAs: 'N=12, uplink 1x' },
  {
    name: 'N=12, a third cannot upload, the rest 2x',
    model: thirdHas(0),
    measuredAs: 'N=12, a third cannot upload, the rest 2x',
  },
  {
    name: 'N=12, a third 0.3x, the rest 2x',
    model: thirdHas(0.3),
    measuredAs: 'N=12, a third 0.3x, the rest 2x',
  },
  { name: 'N=50, no limit', model: { viewerCount: 50 }, measuredAs: 'N=50, no limit' },
  {
    name: 'N=40, uplink 1.4x',
    model: { viewerCount: 40, profileOf: uplink(1.4) },
    measuredAs: 'N=40, uplink 1.4x',
  },
  {
    name: 'N=20, dense mesh',
    model: { viewerCount: 20, degree: 16, maxNeighbours: 16, blockedPairShare: 0 },
    measuredAs: 'N=20, dense mesh',
  },
  {
    name: 'N=20, one leaves and joins every 3 s',
    model: { viewerCount: 20, churnMs: 3_000 },
    measuredAs: 'N=20, one leaves and joins every 3 s',
  },
  {
    name: 'N=20, one vanishes and one joins every 3 s',
    model: { viewerCount: 20, churnMs: 3_000, saysGoodbye: false },
    measuredAs: 'N=20, one vanishes and one joins every 3 s',
  },
  {
    name: '10 viewers and 50 in 2 s',
    model: { viewerCount: 10, crowd: 50, measuredSegments: 30 },
    measuredAs: '10 viewers and 50 in 2 s',
  },
  {
    name: 'N=12, uplink 1.4x, 100 ms more RTT',
    model: { profileOf: uplink(1.4), leastDelayMs: 60, mostDelayMs: 125 },
    measuredAs: 'N=12, uplink 1.4x, 100 ms more RTT',
  },
  {
    name: 'N=12, uplink 1.4x, 3 s behind live',
    model: { profileOf: uplink(1.4), targetDurationMs: 1_000, latencyMs: 3_000 },
    measuredAs: 'N=12, uplink 1.4x, 3 s behind live',
  },
  { name: 'N=20, 10 % liars', model: some('liar', 10), measuredAs: 'N=20, 10 % liars' },
  { name: 'N=20, 10 % poisoners', model: some('poisoner', 10), measuredAs: 'N=20, 10 % poisoners' },
  {
    name: 'N=20, 20 % free riders',
    model: some('freeRider', 5),
    measuredAs: 'N=20, 20 % free riders',
  },
  { name: 'N=20, 20 % claim every slice', model: some('claimer', 5) },
  { name: 'N=20, 20 % hidden tabs', model: some('sleeper', 5) },
  { name: 'N=12, uplink 1.4x, jittery CDN', model: { profileOf: uplink(1.4), ...jitteryCdn } },
  { name: 'N=12, uplink 1x, jittery CDN', model: { profileOf: uplink(1), ...jitteryCdn } },
  { name: 'N=50, uplink 1x', model: { viewerCount: 50, profileOf: uplink(1) } },
  {
    name: 'N=12, uplink 1.4x, 8 % headers',
    model: { profileOf: uplink(1.4), pieceOverheadBytes: 1_311 },
  },
  { name: 'N=1,000, real mix', model: { viewerCount: 1_000, profileOf: realMix, ...few } },
  {
    name: 'N=1,000, poor mix',
    model: { viewerCount: 1_000, profileOf: poorMix, ...few, ...adapted },
  },
  {
    name: 'N=1,000, real mix, one leaves and joins every 0.1 s',
    model: { viewerCount: 1_000, profileOf: realMix, churnMs: 100, ...few },
  },
  {
    name: 'N=10,000, real mix',
    model: { viewerCount: 10_000, profileOf: realMix, ...fewer },
  },
  {
    name: 'N=10,000, poor mix',
    model: { viewerCount: 10_000, profileOf: poorMix, ...fewer, ...adapted },
  },
];
