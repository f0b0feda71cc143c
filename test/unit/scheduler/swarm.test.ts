// Whole swarms in simulated time, with the scheduler that players run: one CDN copy a segment, no
// late segment, whatever the uplinks. Deterministic, so that a change of behaviour is seen.

import { describe, expect, it } from 'vitest';
import { type SwarmModel, type SwarmOutcome, SwarmSimulator } from '../../sim/swarm-simulator.ts';

const bitrateBps = 2_500_000;

function simulate(model: Partial<SwarmModel>): SwarmOutcome {
  return new SwarmSimulator({
    viewerCount: 12,
    uplinkBps: () => 100_000_000,
    degree: 10,
    bitrateBps,
    targetDurationMs: 2_000,
    latencyMs: 6_500,
    segmentCount: 9,
    seed: 1,
    ...model,
  }).run();
}

describe('a swarm of twelve', () => {
  it.each([
    ['free uplinks', 40, 1.02],
    ['uplinks of twice the stream', 2, 1.05],
    ['uplinks of 1.4 times the stream', 1.4, 1.1],
  ])('with %s takes about one copy from the CDN', (_name, factor, most) => {
    const outcome = simulate({ uplinkBps: () => factor * bitrateBps });
    expect(outcome.copies).toBeGreaterThanOrEqual(0.99);
    expect(outcome.copies).toBeLessThan(most);
    expect(outcome.lateSegments).toBe(0);
  });

  it('with uplinks of just the stream reaches the limit and plays in time', () => {
    const outcome = simulate({ uplinkBps: () => bitrateBps });
    expect(outcome.offload).toBeGreaterThan(0.9);
    expect(outcome.lateSegments).toBe(0);
  });

  it('in which a third cannot upload still takes little more than one copy', () => {
    const outcome = simulate({ uplinkBps: (viewer) => (viewer % 3 === 0 ? 0 : 2 * bitrateBps) });
    expect(outcome.offload).toBeGreaterThan(0.9);
    expect(outcome.lateSegments).toBe(0);
  });
});

describe('larger swarms', () => {
  it('of fifty with ten neighbours each take about one copy', () => {
    const outcome = simulate({
      viewerCount: 50,
      uplinkBps: () => 2 * bitrateBps,
      segmentCount: 10,
    });
    expect(outcome.copies).toBeLessThan(1.1);
    expect(outcome.lateSegments).toBe(0);
  });

  it('play in time when a tenth of the viewers announce everything and send nothing', () => {
    const outcome = simulate({
      viewerCount: 20,
      uplinkBps: () => 2 * bitrateBps,
      isLiar: (viewer) => viewer % 10 === 0,
    });
    expect(outcome.offload).toBeGreaterThan(0.7);
    expect(outcome.lateSegments).toBe(0);
  });
});

describe('the simulator', () => {
  it('gives the same outcome for the same seed', () => {
    const model = { uplinkBps: () => 1.4 * bitrateBps, segmentCount: 8, seed: 7 };
    expect(simulate(model)).toEqual(simulate(model));
  });
});
