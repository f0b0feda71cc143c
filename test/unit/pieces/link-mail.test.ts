// What is for one neighbour in one task leaves as one message, when the task ends.
// player/delivery/pieces/link-mail.ts, over links in memory.

import { describe, expect, it } from 'vitest';
import { LinkMail } from '../../../player/delivery/pieces/link-mail.ts';
import type { PeerConnection } from '../../../player/delivery/pieces/peer-connection.ts';
import {
  decodeMessages,
  encodeCancel,
  encodePiece,
  encodePieceHeader,
  maxJoinedMessages,
} from '../../../player/delivery/pieces/piece-messages.ts';
import { MemoryPeer } from '../../support/memory-peers.ts';

/** Pieces or segments of the messages in each that was sent. */
function sentOn({ received }: MemoryPeer): number[][] {
  return received.map((data) =>
    (decodeMessages(new Uint8Array(data))?.main ?? []).map((message) =>
      message.kind === 'piece' || message.kind === 'cancel' ? message.piece : -1,
    ),
  );
}

function noneBroken(): never {
  throw new Error('a link is said to be broken');
}

describe('mail on links', () => {
  it('is one message for each at the end of the task, in order', async () => {
    const mail = new LinkMail(noneBroken);
    const [one, other] = [new MemoryPeer('one'), new MemoryPeer('other')];
    mail.put(one, encodeCancel(7, 1));
    mail.put(other, encodeCancel(7, 2));
    mail.put(one, encodePieceHeader(7, 3, 9), new Uint8Array(9));
    expect(mail.waitingBytes).toBe(6 + 6 + 19);
    expect([sentOn(one), sentOn(other)]).toEqual([[], []]);
    await Promise.resolve();
    expect([sentOn(one), sentOn(other)]).toEqual([[[1, 3]], [[2]]]);
    expect(mail.waitingBytes).toBe(0);
    mail.put(one, encodeCancel(7, 4));
    await Promise.resolve();
    expect(sentOn(one)).toEqual([[1, 3], [4]]);
  });

  it('leaves at once where the link is about to be closed', () => {
    const mail = new LinkMail(noneBroken);
    const one = new MemoryPeer('one');
    mail.put(one, encodeCancel(7, 1));
    mail.send(one);
    expect(sentOn(one)).toEqual([[1]]);
  });

  it('never joins more than others read', async () => {
    const mail = new LinkMail(noneBroken);
    const [one, other] = [new MemoryPeer('one'), new MemoryPeer('other')];
    for (let piece = 0; piece < maxJoinedMessages + 1; piece += 1)
      mail.put(one, encodeCancel(7, piece % 64));
    for (let piece = 0; piece < 10; piece += 1)
      mail.put(other, encodePiece(7, piece, new Uint8Array(64 * 1024)));
    await Promise.resolve();
    expect(sentOn(one).map(({ length }) => length)).toEqual([maxJoinedMessages, 1]);
    expect(Math.max(...other.received.map(({ length }) => length))).toBeLessThan(256 * 1024);
    expect(sentOn(other).flat()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('is thrown away with its link, and who cannot be sent to is told of', async () => {
    const broken: PeerConnection[] = [];
    const mail = new LinkMail((link) => broken.push(link));
    const gone = new MemoryPeer('gone');
    mail.put(gone, encodeCancel(7, 1));
    gone.destroy();
    const refusing = new MemoryPeer('refusing');
    refusing.send = () => {
      throw new Error('the channel is closing');
    };
    mail.put(refusing, encodeCancel(7, 1));
    await Promise.resolve();
    expect(gone.received).toEqual([]);
    expect(broken).toEqual([refusing]);
  });
});
