// Numbers that wrap: distances and extension hold for every start and every step.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  distance16,
  distance32,
  extend16,
  startExtended16,
  TimestampExtender,
} from '../../../ingest/rtp/serial-arithmetic.ts';

describe('serial arithmetic', () => {
  it('measures the signed distance across the wrap', () => {
    expect(distance16(0xffff, 0)).toBe(1);
    expect(distance16(0, 0xffff)).toBe(-1);
    expect(distance32(0xffff_ffff, 5)).toBe(6);
    expect(distance32(5, 0xffff_ffff)).toBe(-6);
  });

  it('extends any walk of steps below half the range to the true position', () => {
    const walk = fc.array(fc.integer({ min: -30_000, max: 32_000 }), { maxLength: 50 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff }), walk, (start, steps) => {
        let extended = startExtended16(start) + 10_000_000 * 0x1_0000;
        for (const step of steps) {
          const next = extended + step;
          expect(extend16(next & 0xffff ? next % 0x1_0000 : 0, extended)).toBe(next);
          extended = next;
        }
      }),
    );
  });

  it('extends timestamps that wrap while frames go forward and back', () => {
    const walk = fc.array(fc.integer({ min: -1_000_000, max: 90_000_000 }), { maxLength: 200 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), walk, (start, steps) => {
        const extender = new TimestampExtender();
        expect(extender.extend(start)).toBe(start);
        let newest = start;
        for (const step of steps) {
          const next = Math.max(0, newest + step);
          expect(extender.extend(next % 0x1_0000_0000)).toBe(next);
          newest = Math.max(newest, next);
        }
      }),
    );
  });
});
