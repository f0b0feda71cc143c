// Figures in the overlay: what a viewer reads for a given number.
// Pure functions of `player/ui/format.ts`.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatBytes, formatPercent, formatSeconds } from '../../../player/ui/format.ts';

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1.00 kB'],
    [12_345, '12.3 kB'],
    [999_499, '999 kB'],
    [999_500, '1.00 MB'],
    [1_234_567, '1.23 MB'],
    [99_960_000, '100 MB'],
    [5_000_000_000, '5.00 GB'],
    [-1, '0 B'],
  ])('writes %d as %s', (sizeBytes, text) => {
    expect(formatBytes(sizeBytes)).toBe(text);
  });

  it('never needs more than seven characters up to a thousand terabytes', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 9.99e14, noNaN: true }), (sizeBytes) => {
        expect(formatBytes(sizeBytes).length).toBeLessThanOrEqual(7);
      }),
    );
  });
});

describe('formatPercent', () => {
  it('says that a share is not known yet', () => {
    expect(formatPercent(null)).toBe('–');
  });

  it('says none and all only when it is exactly that', () => {
    expect(formatPercent(0)).toBe('0 %');
    expect(formatPercent(0.001)).toBe('1 %');
    expect(formatPercent(0.634)).toBe('63 %');
    expect(formatPercent(0.999)).toBe('99 %');
    expect(formatPercent(1)).toBe('100 %');
  });
});

describe('formatSeconds', () => {
  it.each([
    [null, '–'],
    [0.04, '0.0 s'],
    [4.25, '4.3 s'],
    [9.97, '10 s'],
    [90, '90 s'],
    [91, '1:31 min'],
    [3_605, '60:05 min'],
  ])('writes %s as %s', (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text);
  });
});
