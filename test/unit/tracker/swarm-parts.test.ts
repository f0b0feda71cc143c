// How a large swarm is split: networks together, parts of bounded size, few of them, in any order of
// joins and leaves. tracker/signalling/swarm-parts.ts.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SwarmParts } from '../../../tracker/signalling/swarm-parts.ts';

/** Where every viewer belongs once all have announced again. */
function settle(parts: SwarmParts, viewers: ReadonlyMap<string, string>): Map<number, string[]> {
  const members = new Map<number, string[]>();
  for (const [peerId, network] of viewers) {
    const part = parts.partOf(peerId, network);
    members.set(part, [...(members.get(part) ?? []), peerId]);
  }
  return members;
}

describe('the parts of a swarm', () => {
  it('are one while it is small', () => {
    const parts = new SwarmParts(100);
    const viewers = new Map(
      Array.from({ length: 100 }, (_, index) => [`viewer-${index}`, `net-${index % 30}`]),
    );
    expect(settle(parts, viewers).size).toBe(1);
  });

  it('keep the viewers of one network together when they split', () => {
    const parts = new SwarmParts(100);
    const viewers = new Map(
      Array.from({ length: 1_000 }, (_, index) => [`viewer-${index}`, `net-${index % 50}`]),
    );
    settle(parts, viewers);
    const members = settle(parts, viewers);
    const sizes = [...members.values()].map(({ length }) => length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(100);
    expect(members.size).toBeLessThanOrEqual(24);
    const partsOfNetwork = new Map<string, Set<number>>();
    for (const [part, ids] of members) {
      for (const id of ids) {
        const network = viewers.get(id) ?? '';
        partsOfNetwork.set(network, (partsOfNetwork.get(network) ?? new Set()).add(part));
      }
    }
    expect([...partsOfNetwork.values()].every(({ size }) => size === 1)).toBe(true);
  });

  it('divide a network that is too large for one', () => {
    const parts = new SwarmParts(100);
    const viewers = new Map(
      Array.from({ length: 900 }, (_, index) => [`viewer-${index}`, 'one-company']),
    );
    settle(parts, viewers);
    const sizes = [...settle(parts, viewers).values()].map(({ length }) => length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(100);
    expect(sizes.length).toBeGreaterThanOrEqual(9);
    expect(parts.hasNetwork('one-company')).toBe(true);
  });

  it('become one again when the viewers leave', () => {
    const parts = new SwarmParts(100);
    const viewers = new Map(
      Array.from({ length: 800 }, (_, index) => [`viewer-${index}`, `net-${index % 40}`]),
    );
    settle(parts, viewers);
    for (const peerId of [...viewers.keys()].slice(50)) {
      parts.leave(peerId);
      viewers.delete(peerId);
    }
    expect(settle(parts, viewers).size).toBe(1);
    for (const peerId of viewers.keys()) parts.leave(peerId);
    expect([parts.partCount, parts.hasNetwork('net-1')]).toEqual([0, false]);
  });

  it('hold nobody twice and nobody for ever, whatever the order', () => {
    const step = fc.record({
      peer: fc.nat(120),
      network: fc.nat(6),
      isLeaving: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 600 }), (steps) => {
        const parts = new SwarmParts(10);
        const here = new Map<string, string>();
        for (const { peer, network, isLeaving } of steps) {
          const peerId = `viewer-${peer}`;
          if (isLeaving) {
            parts.leave(peerId);
            here.delete(peerId);
          } else {
            // A viewer stays in the network that it joined from.
            const from = here.get(peerId) ?? `net-${network}`;
            here.set(peerId, from);
            parts.partOf(peerId, from);
          }
        }
        const members = settle(parts, here);
        expect([...members.values()].flat()).toHaveLength(here.size);
        expect(parts.partCount).toBe(settle(parts, here).size);
        for (const peerId of here.keys()) parts.leave(peerId);
        expect(parts.partCount).toBe(0);
      }),
      { numRuns: 200 },
    );
  });
});
