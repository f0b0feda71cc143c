// The frame rate that is announced for what was counted.

import { describe, expect, it } from 'vitest';
import { announcedFrameRate, usualFrameRate } from '../../../ingest/hls/frame-rate.ts';

describe('announcedFrameRate', () => {
  it.each([
    [60, 2, 30],
    [59, 2, 30],
    [61, 2, 30],
    [59.94, 2, 30_000 / 1001],
    [48, 2.002, 24_000 / 1001],
    [50, 2, 25],
    [30, 2.01, 15],
    [34, 2, 17],
  ])('is for %d pictures in %d s: %d', (frameCount, durationSeconds, rate) => {
    expect(announcedFrameRate(frameCount, durationSeconds)).toBeCloseTo(rate, 6);
  });

  it('is unknown without pictures', () => {
    expect(announcedFrameRate(0, 2)).toBeNull();
  });
});

describe('usualFrameRate', () => {
  it.each([
    [29.97, 30],
    [25, 25],
    [27, 30],
    [31.5, 30],
    [57, 60],
    [62.5, 60],
    [0.5, 5],
    [1_000, 120],
  ])('takes %d for %d', (measured, rate) => {
    expect(usualFrameRate(measured)).toBe(rate);
  });
});
