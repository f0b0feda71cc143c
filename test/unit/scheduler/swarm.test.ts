// Whole swarms in simulated time, with the scheduler that players run: how many copies the CDN
// sends, exactly, since the same seed gives the same swarm. A change of behaviour shows here.

import { describe, expect, it } from 'vitest';
import { simCases } from '../../sim/sim-cases.ts';
import { defaultModel, type SwarmModel } from '../../sim/swarm-model.ts';
import type { SwarmOutcome } from '../../sim/swarm-outcome.ts';
import { SwarmSimulator } from '../../sim/swarm-simulator.ts';

const short = { warmUpSegments: 3, measuredSegments: 5, seed: 1 };
/** A busy machine takes some seconds for the larger ones. */
const timeoutMs = 60_000;

function simulate(name: string, changes: Partial<SwarmModel> = {}): SwarmOutcome {
  const found = simCases.find((each) => each.name === name);
  if (!found) throw new Error(`there is no simulated case ${name}`);
  return new SwarmSimulator({ ...defaultModel, ...found.model, ...short, ...changes }).run();
}

const hundredths = (value: number): number => Math.round(value * 100) / 100;

describe('a simulated swarm', { timeout: timeoutMs }, () => {
  it.each([
    ['N=12, no limit', 1],
    ['N=12, uplink 2x', 1],
    ['N=12, uplink 1.4x', 1],
    ['N=12, uplink 1x', 1],
    ['N=12, a third cannot upload, the rest 2x', 1],
    ['N=12, a third 0.3x, the rest 2x', 1],
    ['N=40, uplink 1.4x', 1],
    ['N=20, dense mesh', 1],
    ['N=20, one leaves and joins every 3 s', 1.66],
    ['N=20, one vanishes and one joins every 3 s', 1.68],
    ['10 viewers and 50 in 2 s', 11],
    ['N=12, uplink 1.4x, 100 ms more RTT', 1],
    ['N=12, uplink 1.4x, 3 s behind live', 1],
    ['N=20, 10 % liars', 1.23],
    ['N=20, 10 % poisoners', 2.9],
    ['N=20, 20 % free riders', 1.27],
    ['N=20, 20 % claim every slice', 1.07],
    ['N=20, 20 % hidden tabs', 1.21],
    ['N=12, uplink 1.4x, jittery CDN', 1],
  ])('%s: takes %d copies and never stalls', (name, copies) => {
    const outcome = simulate(name);
    expect(hundredths(outcome.copies)).toBe(copies);
    expect(outcome.lateSegments).toBe(0);
  });

  it('finds strong neighbours for those who get too little in a poor mix', () => {
    const outcome = simulate('N=1,000, poor mix', { viewerCount: 100, warmUpSegments: 8 });
    expect(hundredths(outcome.copies)).toBe(1.05);
    expect(outcome.lateSegments).toBe(0);
  });

  it('is the same for the same seed, and another for another', () => {
    const name = 'N=20, one leaves and joins every 3 s';
    expect(simulate(name)).toEqual(simulate(name));
    expect(simulate(name, { seed: 2 })).not.toEqual(simulate(name));
  });

  it('takes a copy for every viewer when nobody can upload', () => {
    const outcome = simulate('N=12, no limit', { profileOf: () => ({ uplinkBps: 0 }) });
    expect(hundredths(outcome.copies)).toBe(12);
    expect(outcome.lateSegments).toBe(0);
  });

  it('stalls when the CDN is slower than the stream, and says so', () => {
    const outcome = simulate('N=12, no limit', {
      profileOf: () => ({ uplinkBps: 0 }),
      cdnBps: 1_500_000,
    });
    expect(outcome.stallSecondsPerViewerMinute).toBeGreaterThan(1);
  });
});
