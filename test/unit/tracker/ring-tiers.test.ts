// Who owns slices: everybody who can upload while few lines are strong, then the strong ones alone.
// tracker/signalling/ring-tiers.ts.

import { describe, expect, it } from 'vitest';
import type { RingAnswer } from '../../../tracker/signalling/ring.ts';
import { RingTiers } from '../../../tracker/signalling/ring-tiers.ts';

const idOf = (number: number, flags = '1'): string =>
  Buffer.from(`-SH010${flags}-${String(number).padStart(12, '0')}`).toString('hex');

const viewerCount = 200;

/** A swarm of which the first `strongCount` viewers say that their lines are strong. */
function swarmOf(strongCount: number): RingTiers {
  const tiers = new RingTiers();
  for (let viewer = 0; viewer < viewerCount; viewer += 1) tiers.join(idOf(viewer));
  for (let viewer = 0; viewer < strongCount; viewer += 1) tiers.setStrong(idOf(viewer), true);
  return tiers;
}

function owners(tiers: RingTiers): RingAnswer[] {
  const answers: RingAnswer[] = [];
  for (let viewer = 0; viewer < viewerCount; viewer += 1) {
    const answer = tiers.answerFor(idOf(viewer));
    if (answer && answer.isSpared !== true) answers.push(answer);
  }
  return answers;
}

const covered = (answers: readonly RingAnswer[]): number =>
  answers.reduce((sum, { gap }) => sum + gap, 0);

describe('RingTiers', () => {
  it('lets everybody own while few are strong, and the strong alone when they are many', () => {
    for (const [strongCount, ownerCount] of [
      [0, viewerCount],
      [63, viewerCount],
      [64, 64],
      [150, 150],
    ] as const) {
      const answers = owners(swarmOf(strongCount));
      expect(answers).toHaveLength(ownerCount);
      expect(covered(answers)).toBeCloseTo(1, 9);
      expect(new Set(answers.map(({ capableCount }) => capableCount))).toEqual(
        new Set([ownerCount]),
      );
    }
  });

  it('goes back to all when a quarter of the strong has gone or turned out weak, not sooner', () => {
    const tiers = swarmOf(64);
    for (let viewer = 0; viewer < 16; viewer += 1) {
      if (viewer % 2 === 0) tiers.leave(idOf(viewer));
      else tiers.setStrong(idOf(viewer), false);
    }
    expect(owners(tiers)).toHaveLength(48);
    tiers.setStrong(idOf(16), false);
    const answers = owners(tiers);
    expect(answers).toHaveLength(viewerCount - 8);
    expect(covered(answers)).toBeCloseTo(1, 9);
  });

  it('believes no strength of who does not upload or is not there', () => {
    const tiers = swarmOf(0);
    for (let viewer = 0; viewer < 100; viewer += 1) {
      tiers.join(idOf(viewer, '0'));
      tiers.setStrong(idOf(viewer, '0'), true);
      tiers.setStrong(idOf(viewerCount + viewer), true);
    }
    expect(tiers.answerFor(idOf(1, '0'))).toBeNull();
    expect(owners(tiers)).toHaveLength(viewerCount);
  });
});
