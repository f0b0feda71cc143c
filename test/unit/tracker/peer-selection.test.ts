// Who meets whom: neighbours first, some strangers, no pair twice at once, and how soon to ask again.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressBook } from '../../../tracker/signalling/address-book.ts';
import { networkKeyOf } from '../../../tracker/signalling/address-key.ts';
import { announceIntervalSeconds } from '../../../tracker/signalling/announce-interval.ts';
import { PeerBag } from '../../../tracker/signalling/peer-bag.ts';
import {
  PeerSelection,
  pairPauseMs,
  type SelectablePeer,
} from '../../../tracker/signalling/peer-selection.ts';
import { TokenBucket } from '../../../tracker/signalling/token-bucket.ts';

const nowMs = 1_800_000_000_000;

function peerAt(peerId: string, addressKey: string): SelectablePeer {
  return { peerId, addressKey, networkKey: networkKeyOf(addressKey) };
}

/** Numbers in 0…1 that are the same in every run. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

describe('peer selection', () => {
  it('prefers the same address, then the same network, and mixes in strangers', () => {
    const selection = new PeerSelection<SelectablePeer>(seededRandom(1));
    const asker = peerAt('asker', '192.0.2.1');
    selection.add(asker);
    for (let index = 0; index < 3; index += 1) {
      selection.add(peerAt(`same-${index}`, '192.0.2.1'));
      selection.add(peerAt(`near-${index}`, '192.0.2.2'));
    }
    for (let index = 0; index < 5_000; index += 1) {
      selection.add(peerAt(`far-${index}`, `198.51.${index % 250}.${Math.floor(index / 250)}`));
    }
    const kinds = selection
      .introduce(asker, 10, nowMs)
      .map(({ peerId }) => peerId.split('-')[0])
      .sort();
    expect(kinds.filter((kind) => kind === 'same')).toHaveLength(3);
    expect(kinds.filter((kind) => kind === 'near')).toHaveLength(3);
    expect(kinds.filter((kind) => kind === 'far')).toHaveLength(4);
  });

  it('gives who is in need mostly viewers with room, and a stranger', () => {
    const selection = new PeerSelection<SelectablePeer>(seededRandom(1));
    const peers = Array.from({ length: 1_000 }, (_, index) =>
      peerAt(`${index < 10 ? 'roomy' : 'full'}-${index}`, `198.51.${index % 250}.1`),
    );
    for (const peer of peers) {
      selection.add(peer);
      selection.setRoom(peer, peer.peerId.startsWith('roomy'));
    }
    const asker = peerAt('asker', '192.0.2.1');
    selection.add(asker);
    const roomyAmong = (met: readonly SelectablePeer[]): number =>
      met.filter(({ peerId }) => peerId.startsWith('roomy')).length;
    const inNeed = selection.introduce(asker, 5, nowMs, true);
    expect(inNeed).toHaveLength(5);
    expect(roomyAmong(inNeed)).toBe(4);
    const later = nowMs + pairPauseMs;
    for (const peer of peers.slice(0, 5)) selection.setRoom(peer, false);
    for (const peer of peers.slice(5, 10)) selection.delete(peer);
    expect(selection.introduce(asker, 5, later, true)).toHaveLength(5);
  });

  it('gives everybody who is there when the swarm is small, whatever their network', () => {
    const selection = new PeerSelection<SelectablePeer>();
    const peers = ['192.0.2.1', '192.0.2.1', '192.0.2.9', '203.0.113.1'].map((address, index) =>
      peerAt(`peer-${index}`, address),
    );
    for (const peer of peers) selection.add(peer);
    const [asker, ...others] = peers;
    if (asker === undefined) throw new Error('no asker');
    expect(new Set(selection.introduce(asker, 10, nowMs))).toEqual(new Set(others));
  });

  it('introduces no pair again within 15 s, in neither direction, and does after', () => {
    const selection = new PeerSelection<SelectablePeer>();
    const [a, b] = [peerAt('a', '192.0.2.1'), peerAt('b', '198.51.100.1')];
    selection.add(a);
    selection.add(b);
    expect(selection.introduce(a, 5, nowMs)).toEqual([b]);
    expect(selection.introduce(a, 5, nowMs + pairPauseMs - 1)).toEqual([]);
    expect(selection.introduce(b, 5, nowMs + pairPauseMs - 1)).toEqual([]);
    expect(selection.introduce(b, 5, nowMs + pairPauseMs)).toEqual([a]);
    expect([selection.metCount(a), selection.metCount(b)]).toEqual([2, 2]);
  });

  it('lets a viewer that came back meet everybody at once', () => {
    const selection = new PeerSelection<SelectablePeer>();
    const [a, b] = [peerAt('a', '192.0.2.1'), peerAt('b', '198.51.100.1')];
    selection.add(a);
    selection.add(b);
    selection.introduce(a, 5, nowMs);
    selection.delete(a);
    const again = peerAt('a', '192.0.2.1');
    selection.add(again);
    expect(selection.introduce(again, 5, nowMs + 1)).toEqual([b]);
  });

  it('never gives more than asked for, the asker, somebody twice or somebody who left', () => {
    const step = fc.record({
      kind: fc.constantFrom('join', 'leave', 'ask', 'ask'),
      index: fc.nat(90),
      count: fc.nat(12),
      afterMs: fc.nat(10_000),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const selection = new PeerSelection<SelectablePeer>();
        const present = new Map<number, SelectablePeer>();
        let atMs = nowMs;
        for (const { kind, index, count, afterMs } of steps) {
          atMs += afterMs;
          const peer = present.get(index);
          if (kind === 'join' && peer === undefined) {
            const joined = peerAt(`peer-${index}`, `192.0.${index % 5}.${index % 7}`);
            present.set(index, joined);
            selection.add(joined);
          } else if (kind === 'leave' && peer !== undefined) {
            present.delete(index);
            selection.delete(peer);
          } else if (kind === 'ask' && peer !== undefined) {
            const met = selection.introduce(peer, count, atMs);
            expect(met.length).toBeLessThanOrEqual(count);
            expect(new Set(met).size).toBe(met.length);
            const others = new Set(present.values());
            expect(met.every((other) => other !== peer && others.has(other))).toBe(true);
          }
        }
      }),
    );
  });
});

describe('peer bag', () => {
  it('draws from anywhere in a large set', () => {
    const bag = new PeerBag<number>();
    for (let index = 0; index < 1_000; index += 1) bag.add(index);
    for (let index = 0; index < 1_000; index += 2) bag.delete(index);
    const random = seededRandom(7);
    const drawn = new Set<number>();
    for (let round = 0; round < 200; round += 1) {
      for (const member of bag.draw(10, () => true, random)) drawn.add(member);
    }
    expect([...drawn].every((member) => member % 2 === 1)).toBe(true);
    expect(drawn.size).toBeGreaterThan(450);
  });
});

describe('announce interval', () => {
  const interval = (swarmSize: number, metCount: number, random: number): number =>
    announceIntervalSeconds({ swarmSize, metCount, slowSeconds: 20 }, () => random);

  it.each([
    ['alone', 1, 0, 20],
    ['with somebody to meet', 2, 0, 7],
    ['knowing everybody', 3, 2, 20],
    ['knowing enough', 1_000, 8, 20],
    ['knowing too few', 1_000, 7, 7],
  ])('of a viewer %s', (_name, swarmSize, metCount, expected) => {
    expect(interval(swarmSize, metCount, 0.5)).toBe(expected);
  });

  it('differs between viewers, so that they do not announce together for ever', () => {
    expect([interval(1, 0, 0), interval(1, 0, 0.999)]).toEqual([17, 23]);
  });
});

describe('rates', () => {
  it('allow a burst, then the steady rate, and fill up again in pauses', () => {
    const bucket = new TokenBucket({ perSecond: 2, burst: 3 }, nowMs);
    const take = (atMs: number): boolean => bucket.take(nowMs + atMs);
    expect([take(0), take(0), take(0), take(0)]).toEqual([true, true, true, false]);
    expect([take(500), take(600), take(1_000)]).toEqual([true, false, true]);
    expect([take(60_000), take(60_000), take(60_000), take(60_000)]).toEqual([
      true,
      true,
      true,
      false,
    ]);
    // A clock that was set back neither fills nor empties it.
    expect(take(0)).toBe(false);
  });

  it('of an address go on while one of its sockets is there', () => {
    const book = new AddressBook({
      maxSocketsPerAddress: 2,
      announcesPerAddress: { perSecond: 0.001, burst: 1 },
    });
    book.enter('192.0.2.1', nowMs);
    book.enter('192.0.2.1', nowMs);
    expect([book.hasRoom('192.0.2.1'), book.hasRoom('192.0.2.2')]).toEqual([false, true]);
    expect(book.takeAnnounce('192.0.2.1', nowMs)).toBe(true);
    book.leave('192.0.2.1');
    expect(book.hasRoom('192.0.2.1')).toBe(true);
    expect(book.takeAnnounce('192.0.2.1', nowMs)).toBe(false);
  });
});
