// Every byte from a peer ends up either in a finished segment or among the discarded.
// player/delivery/exchange/received-bytes.ts.

import { describe, expect, it } from 'vitest';
import { ReceivedBytes } from '../../../player/delivery/exchange/received-bytes.ts';

function counting(): { received: ReceivedBytes; discarded: () => number } {
  let sum = 0;
  const received = new ReceivedBytes((sizeBytes) => {
    sum += sizeBytes;
  });
  return { received, discarded: () => sum };
}

describe('ReceivedBytes', () => {
  it('discards nothing of a segment that completes', () => {
    const { received, discarded } = counting();
    received.begin('a', 'peer1');
    received.add('peer1', 500);
    received.complete('a');
    received.discardAll();
    expect(discarded()).toBe(0);
  });

  it('discards all of a segment that fails, also what an earlier peer had sent of it', () => {
    const { received, discarded } = counting();
    received.begin('a', 'peer1');
    received.add('peer1', 500);
    received.begin('a', 'peer2');
    received.add('peer2', 300);
    received.discard('a');
    expect(discarded()).toBe(800);
  });

  it('keeps transfers of different peers apart', () => {
    const { received, discarded } = counting();
    received.begin('a', 'peer1');
    received.begin('b', 'peer2');
    received.add('peer1', 500);
    received.add('peer2', 300);
    received.discard('b');
    expect(discarded()).toBe(300);
  });

  it('discards what comes after a transfer has ended', () => {
    const { received, discarded } = counting();
    received.add('peer1', 120);
    expect(discarded()).toBe(120);
  });
});
