// What is for one neighbour leaves as one message, and the list of digests is asked of one at a time.
// player/delivery/pieces/neighbour-mail.ts, over links in memory.

import { beforeEach, describe, expect, it } from 'vitest';
import { NeighbourMail } from '../../../player/delivery/pieces/neighbour-mail.ts';
import type { PieceLinks } from '../../../player/delivery/pieces/piece-links.ts';
import {
  decodeMessages,
  encodePiece,
  maxJoinedMessages,
} from '../../../player/delivery/pieces/piece-messages.ts';
import { PieceSegment } from '../../../player/delivery/pieces/piece-segment.ts';

const sizeBytes = 100_000;
const media = {
  url: 'http://origin.invalid/7.m4s',
  mediaSequenceNumber: 7,
  startSeconds: 60,
  durationSeconds: 2,
  digest: null,
  pieces: { sizeBytes, root: 'a'.repeat(22) },
};

let sent: [string, string[]][];
let nowMs: number;
let mail: NeighbourMail;
let segment: PieceSegment;

beforeEach(() => {
  sent = [];
  nowMs = 0;
  segment = new PieceSegment(media, media.pieces, true);
  const links: Pick<PieceLinks, 'send'> = {
    send: (id, data) => {
      if (id === 'gone') return false;
      const messages = decodeMessages(new Uint8Array(data)) ?? [];
      sent.push([
        id,
        messages.map((each) => (each.kind === 'request' && each.wantsList ? 'asks' : each.kind)),
      ]);
      return true;
    },
  };
  mail = new NeighbourMail({ links: () => links, nowMs: () => nowMs });
});

const request = (neighbour: string, piece: number) =>
  ({ kind: 'request', neighbour, segment: 7, piece, deadlineInMs: 900 }) as const;

describe('mail to neighbours', () => {
  it('is one message for each, in order', () => {
    mail.put(request('one', 1), segment);
    mail.put({ kind: 'cancel', neighbour: 'other', segment: 7, piece: 2 }, segment);
    mail.put(
      { kind: 'have', neighbour: 'one', segment: 7, bits: new Uint8Array(1), claims: 0 },
      segment,
    );
    let left = 0;
    const onLeft = (): void => {
      left += 1;
    };
    mail.add('one', { message: encodePiece(7, 3, new Uint8Array(9)), onLeft });
    mail.add('gone', { message: encodePiece(7, 3, new Uint8Array(9)), onLeft });
    expect(sent).toEqual([]);
    mail.send();
    mail.send();
    expect(sent).toEqual([
      ['one', ['asks', 'have', 'piece']],
      ['other', ['cancel']],
    ]);
    expect(left).toBe(1);
  });

  it('asks for the list of digests once, and somebody else when it does not come', () => {
    for (const neighbour of ['one', 'other']) mail.put(request(neighbour, 1), segment);
    mail.send();
    nowMs = 400;
    mail.put(request('other', 2), segment);
    mail.send();
    expect(sent).toEqual([
      ['one', ['asks']],
      ['other', ['request']],
      ['other', ['asks']],
    ]);
  });

  it('never joins more than others read', () => {
    for (let piece = 0; piece < maxJoinedMessages + 1; piece += 1)
      mail.put(request('one', piece), segment);
    mail.send();
    expect(sent.map(([, kinds]) => kinds.length)).toEqual([maxJoinedMessages, 1]);
  });
});
