// When an encoder counts as too slow, and what it does without.

import { describe, expect, it } from 'vitest';
import type { Rendition } from '../../../ingest/transcode/fit-ladder.ts';
import { LagWatch } from '../../../ingest/transcode/lag-watch.ts';
import { renditionToShed } from '../../../ingest/transcode/shed-rendition.ts';

/** The first moment at which it counts as too slow; `null` when it never does. */
function tooSlowAtMs(lagAtMs: (nowMs: number) => number): number | null {
  const watch = new LagWatch(2_000);
  for (let nowMs = 0; nowMs < 60_000; nowMs += 40) {
    if (watch.staysBehind(lagAtMs(nowMs), nowMs)) return nowMs;
  }
  return null;
}

describe('LagWatch', () => {
  it('bears a lag within the target duration', () => {
    expect(tooSlowAtMs(() => 1_999)).toBeNull();
  });

  it('bears a pause of the machine that is made good', () => {
    expect(tooSlowAtMs((nowMs) => Math.max(0, 8_000 - nowMs * 0.2))).toBeNull();
  });

  it('does not bear a lag that grows, or stays', () => {
    expect(tooSlowAtMs((nowMs) => nowMs * 0.25)).toBe(8_040 + 4_000);
    expect(tooSlowAtMs(() => 7_900)).toBe(4_000);
  });
});

describe('renditionToShed', () => {
  const rendition = (heightPx: number, isSource = false): Rendition => ({
    name: `${heightPx}p`,
    video: { widthPx: heightPx * 2, heightPx, bitrateBps: 1e6 },
    audioBitrateBps: null,
    isSource,
  });

  it('is the largest one that is encoded', () => {
    const ladder = [rendition(720, true), rendition(480), rendition(360)];
    expect(renditionToShed(ladder, true)?.name).toBe('480p');
    expect(renditionToShed(ladder, false)?.name).toBe('720p');
  });

  it('is never the last one with pictures', () => {
    const sound: Rendition = { name: 'audio', video: null, audioBitrateBps: 96_000 };
    expect(renditionToShed([rendition(360), sound], false)).toBeNull();
    expect(renditionToShed([rendition(720, true)], true)).toBeNull();
  });
});
