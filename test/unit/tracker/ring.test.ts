// Places on the ring: every uploading viewer has an arc, the arcs cover the ring, and a place for
// one more splits the widest. tracker/signalling/ring.ts.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ring } from '../../../tracker/signalling/ring.ts';

const idOf = (number: number): string =>
  Buffer.from(`-SH0101-${String(number).padStart(12, '0')}`).toString('hex');

describe('Ring', () => {
  it('gives the whole ring to a viewer alone and halves to two', () => {
    const ring = new Ring();
    ring.join(idOf(1));
    expect(ring.answerFor(idOf(1))).toEqual({ position: 0, gap: 1, capableCount: 1 });
    ring.join(idOf(2));
    expect(ring.answerFor(idOf(1))?.gap).toBe(0.5);
    expect(ring.answerFor(idOf(2))).toEqual({ position: 0.5, gap: 0.5, capableCount: 2 });
  });

  it('has no place for vanilla clients and for viewers who do not upload', () => {
    const ring = new Ring();
    for (const id of ['-WW0001-aaaaaaaaaaaa', '-SH0100-aaaaaaaaaaaa']) {
      ring.join(Buffer.from(id).toString('hex'));
      expect(ring.answerFor(Buffer.from(id).toString('hex'))).toBeNull();
    }
  });

  it('covers the ring without overlap, whoever comes and goes', () => {
    const step = fc.record({ viewer: fc.nat(40), leaves: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const ring = new Ring();
        const present = new Set<string>();
        for (const { viewer, leaves } of steps) {
          const id = idOf(viewer);
          if (leaves) {
            ring.leave(id);
            present.delete(id);
          } else {
            ring.join(id);
            present.add(id);
          }
        }
        const answers = [...present].map((id) => ring.answerFor(id));
        const covered = answers.reduce((sum, answer) => sum + (answer?.gap ?? 0), 0);
        expect(covered).toBeCloseTo(present.size === 0 ? 0 : 1, 9);
        expect(new Set(answers.map((answer) => answer?.position)).size).toBe(present.size);
        for (const answer of answers) expect(answer?.capableCount).toBe(present.size);
      }),
    );
  });
});
