// What the scheduler has to say, as messages: the list of digests is asked of one neighbour at a time.
// player/delivery/pieces/action-messages.ts.

import { expect, it } from 'vitest';
import { messageOf } from '../../../player/delivery/pieces/action-messages.ts';
import { decodeMessages } from '../../../player/delivery/pieces/piece-messages.ts';
import { PieceSegment } from '../../../player/delivery/pieces/piece-segment.ts';

const media = {
  url: 'http://origin.invalid/7.m4s',
  mediaSequenceNumber: 7,
  startSeconds: 60,
  durationSeconds: 2,
  digest: null,
  pieces: { sizeBytes: 100_000, root: 'a'.repeat(22) },
};

const request = (neighbour: string) =>
  ({ kind: 'request', neighbour, segment: 7, piece: 1, deadlineInMs: 900 }) as const;

it('asks for the list of digests once, and somebody else when it does not come', () => {
  const segment = new PieceSegment(media, media.pieces, true);
  const wantsList = (neighbour: string, nowMs: number): boolean => {
    const message = messageOf(request(neighbour), segment, nowMs);
    const [read] = decodeMessages(new Uint8Array(message ?? []))?.main ?? [];
    if (read?.kind !== 'request') throw new Error('no request');
    return read.wantsList;
  };
  expect([wantsList('one', 0), wantsList('other', 10), wantsList('other', 400)]).toEqual([
    true,
    false,
    true,
  ]);
});

it('tells nothing of a segment that is gone', () => {
  const have = { kind: 'have', neighbour: 'one', segment: 7, bits: new Uint8Array(1), claims: 0 };
  expect(messageOf({ ...have, kind: 'have' }, undefined, 0)).toBeNull();
});
