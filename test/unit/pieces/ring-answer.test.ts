// What an announce answer says of the ring, and that nonsense in it says nothing.
// player/delivery/pieces/ring-answer.ts.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ringOf } from '../../../player/delivery/pieces/ring-answer.ts';

describe('ringOf', () => {
  it('reads position, gap and the size of ring and swarm', () => {
    const shoal = { position: 0.25, gap: 0.5, capableCount: 2 };
    expect(ringOf({ complete: 1, incomplete: 3, shoal })).toEqual({ ring: shoal, viewerCount: 4 });
  });

  it('reads that others with stronger lines fetch', () => {
    const place = { position: 0.25, gap: 0.5, capableCount: 2 };
    const isSparedBy = (isSpared: unknown) =>
      ringOf({ incomplete: 4, shoal: { ...place, isSpared } })?.ring?.isSpared;
    expect(isSparedBy(true)).toBe(true);
    expect(isSparedBy('yes')).toBeUndefined();
  });

  it('does without the ring with a tracker that knows none', () => {
    expect(ringOf({ complete: 0, incomplete: 3 })).toEqual({ ring: null, viewerCount: 3 });
  });

  it('believes no impossible place', () => {
    for (const shoal of [
      { position: 1, gap: 0.5, capableCount: 1 },
      { position: 0, gap: 0, capableCount: 1 },
      { position: 0, gap: 1 },
      'ring',
    ]) {
      expect(ringOf({ incomplete: 1, shoal })?.ring).toBeNull();
    }
  });

  it('survives anything', () => {
    fc.assert(
      fc.property(fc.anything(), (answer) => {
        const swarm = ringOf(answer);
        expect(swarm === null || swarm.viewerCount >= 0).toBe(true);
      }),
    );
  });
});
