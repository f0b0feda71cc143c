// The order in which viewers fetch from the CDN: one at once, the others only if nothing comes.
// Pure functions of player/delivery/scheduler.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cdnFetchAtMs,
  cdnTurn,
  type FetchSituation,
  guardMs,
  hash01,
} from '../../../player/delivery/scheduler/cdn-turn.ts';

const situation: FetchSituation = {
  seenAtMs: 10_000,
  deadlineMs: 14_000,
  turn: 0,
  neighbourCount: 2,
  isReceiving: false,
  isFromBeforeJoining: false,
  cdnFetchMs: 200,
};

describe('the turn at the CDN', () => {
  it('is a different one for each viewer of a full mesh, from 0 on', () => {
    const ids = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(ids, fc.webUrl(), (viewers, url) => {
        const turns = viewers.map((id) =>
          cdnTurn(
            id,
            viewers.filter((other) => other !== id),
            url,
          ),
        );
        expect([...turns].sort((a, b) => a - b)).toEqual(viewers.map((_, index) => index));
      }),
    );
  });

  it('falls on every viewer about equally often', () => {
    const viewers = ['a', 'b', 'c', 'd'].map((letter) => `-SH0100-${letter.repeat(12)}`);
    const firsts = new Map<string, number>();
    for (let number = 0; number < 4_000; number += 1) {
      const first = viewers.find(
        (id) =>
          cdnTurn(
            id,
            viewers.filter((other) => other !== id),
            `/${number}.m4s`,
          ) === 0,
      );
      if (first !== undefined) firsts.set(first, (firsts.get(first) ?? 0) + 1);
    }
    for (const id of viewers) expect(firsts.get(id)).toBeGreaterThan(850);
  });

  it('hashes into [0, 1)', () => {
    fc.assert(fc.property(fc.string(), (text) => hash01(text) >= 0 && hash01(text) < 1));
  });
});

describe('the time to fetch from the CDN', () => {
  it('is at once for the first in turn', () => {
    expect(cdnFetchAtMs(situation)).toBe(10_000);
  });

  it('leaves the first in turn the time to fetch and to send before its backups', () => {
    expect(cdnFetchAtMs({ ...situation, turn: 1 })).toBeGreaterThanOrEqual(10_000 + 600);
    expect(cdnFetchAtMs({ ...situation, turn: 2 })).toBeGreaterThan(
      cdnFetchAtMs({ ...situation, turn: 1 }),
    );
  });

  it('is only just before the play head while a peer is sending', () => {
    expect(cdnFetchAtMs({ ...situation, isReceiving: true })).toBe(14_000 - guardMs(200));
  });

  it('is never later than the guard time before the play head, whatever the turn', () => {
    const any = fc.record({
      seenAtMs: fc.integer({ min: 0, max: 100_000 }),
      deadlineMs: fc.integer({ min: 0, max: 120_000 }),
      turn: fc.integer({ min: 0, max: 200 }),
      neighbourCount: fc.integer({ min: 1, max: 200 }),
      isReceiving: fc.boolean(),
      isFromBeforeJoining: fc.boolean(),
      cdnFetchMs: fc.integer({ min: 1, max: 5_000 }),
    });
    fc.assert(
      fc.property(any, (each) => {
        expect(cdnFetchAtMs(each)).toBeLessThanOrEqual(each.deadlineMs - guardMs(each.cdnFetchMs));
      }),
    );
  });
});
