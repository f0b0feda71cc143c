// The gate that refuses some beacons while the process is behind with its work.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LoadGate } from '../../../tracker/telemetry/load-gate.ts';
import { pollUntil } from '../../support/poll-until.ts';

let gate: LoadGate;

beforeEach(() => {
  gate = new LoadGate(100);
});

afterEach(() => gate.close());

function noteOften(lagMs: number, times: number): void {
  for (let count = 0; count < times; count += 1) gate.note(lagMs);
}

function admittedOf(attempts: number): number {
  return Array.from({ length: attempts }, () => gate.admit()).filter(Boolean).length;
}

describe('load gate', () => {
  it('lets all in while timers are in time, and after single pauses', () => {
    noteOften(5, 50);
    noteOften(3_000, 4);
    expect(admittedOf(1_000)).toBe(1_000);
  });

  it('lets a smaller share in while timers are late, never none, and all again after', () => {
    noteOften(300, 8);
    expect(gate.share).toBeCloseTo(0.8 ** 4);
    const admitted = admittedOf(1_000);
    expect(admitted).toBeGreaterThanOrEqual(408);
    expect(admitted).toBeLessThanOrEqual(410);
    noteOften(300, 100);
    expect(admittedOf(1_000)).toBeGreaterThanOrEqual(49);
    noteOften(5, 60);
    expect(admittedOf(1_000)).toBeGreaterThanOrEqual(999);
  });

  it('looks at the event loop by itself', async () => {
    noteOften(300, 100);
    const shut = gate.share;
    await pollUntil(() => gate.share > shut, { timeoutMs: 8_000, description: 'timers in time' });
  });
});
