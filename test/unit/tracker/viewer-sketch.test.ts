// Counting different viewers: exact while they are few, close when they are many, and the same in
// whatever order sketches are filled and joined. tracker/telemetry/pure/viewer-sketch.ts.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  exactBound,
  ViewerSketch,
  viewerHash,
} from '../../../tracker/telemetry/pure/viewer-sketch.ts';

function sketchOf(sessions: Iterable<string>): ViewerSketch {
  const sketch = new ViewerSketch();
  for (const session of sessions) sketch.add(viewerHash(session));
  return sketch;
}

function sessions(first: number, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `session-of-viewer-${first + index}`);
}

describe('a sketch of viewers', () => {
  it('is exact up to its bound, however often somebody comes', () => {
    const all = sessions(0, exactBound);
    expect(sketchOf([...all, ...all]).count).toBe(exactBound);
  });

  it.each([513, 1_000, 5_000, 20_000, 100_000])('is within 5 %% of %i', (count) => {
    const estimate = sketchOf(sessions(0, count)).count;
    expect(Math.abs(estimate / count - 1)).toBeLessThan(0.05);
  });

  it('comes back as it was stored, and an empty or broken text is an empty sketch', () => {
    for (const count of [0, 1, exactBound, 5_000]) {
      const sketch = sketchOf(sessions(0, count));
      const stored = ViewerSketch.decode(sketch.encode());
      expect(stored.count).toBe(sketch.count);
      expect(stored.encode()).toEqual(sketch.encode());
      stored.join(sketch);
      expect(stored.count).toBe(sketch.count);
    }
    for (const bytes of [new Uint8Array(), Uint8Array.of(7, 1), Uint8Array.of(1, 2, 3)]) {
      expect(ViewerSketch.decode(bytes).count).toBe(0);
    }
  });

  it('joins to the same whatever was together before', () => {
    const ranges = fc.array(fc.record({ first: fc.nat(3_000), count: fc.nat(900) }), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(ranges, (parts) => {
        const together = sketchOf(parts.flatMap(({ first, count }) => sessions(first, count)));
        const joined = new ViewerSketch();
        for (const { first, count } of parts) joined.join(sketchOf(sessions(first, count)));
        expect(joined.encode()).toEqual(together.encode());
      }),
      { numRuns: 30 },
    );
  });
});
