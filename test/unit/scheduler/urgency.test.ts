// When the scheduler is run, and what goes together: nothing is done for what nothing follows from, and a
// neighbour on a free line gets what it has asked for at once. player/delivery/scheduler/urgency.ts.

import { beforeEach, describe, expect, it } from 'vitest';
import { schedulerConstants } from '../../../player/delivery/scheduler/scheduler-constants.ts';
import { SwarmScheduler } from '../../../player/delivery/scheduler/swarm-scheduler.ts';

const pieceCount = 16;
const pieceSizeBytes = 16_384;
const all = new Uint8Array(2).fill(0xff);

let scheduler: SwarmScheduler;

beforeEach(() => {
  scheduler = new SwarmScheduler({
    viewerId: '-SH0100-aaaaaaaaaaaa',
    isLive: true,
    canUpload: true,
    constants: schedulerConstants(5_000),
    segmentDurationMs: 2_000,
    nowMs: 0,
    random: () => 0.5,
  });
  scheduler.setPlayhead(0, 0);
  scheduler.addSegment({ number: 1, startSeconds: 100, pieceCount, pieceSizeBytes }, true, 0);
  for (const id of ['one', 'other']) scheduler.neighbourJoined(id, 0);
  scheduler.run(0);
});

function sendsAt(nowMs: number): (readonly [string, readonly number[]])[] {
  return scheduler
    .run(nowMs)
    .actions.filter((action) => action.kind === 'send')
    .flatMap(({ parcels }) => parcels)
    .map(({ neighbour, pieces }) => [neighbour, pieces.map(({ piece }) => piece)] as const);
}

describe('what has happened', () => {
  it('asks for no run when nothing follows from it', () => {
    for (let piece = 0; piece < pieceCount; piece += 1) scheduler.pieceFetched(1, piece, 10);
    scheduler.run(100);
    scheduler.have('one', 1, all, pieceCount, 0, 110);
    scheduler.cancelled('one', 1, 3);
    scheduler.setPlayhead(0.02, 120);
    expect(scheduler.pauseMs).toBe(Number.POSITIVE_INFINITY);
  });

  it('waits a little for more of it when a neighbour has news', () => {
    scheduler.have('one', 1, all, pieceCount, 0, 10);
    expect(scheduler.pauseMs).toBe(20);
  });

  it('is dealt with at once when somebody waits for a piece that is here', () => {
    scheduler.requested('one', 1, 5, 60_000, 10);
    expect(scheduler.pauseMs).toBe(Number.POSITIVE_INFINITY);
    scheduler.pieceFetched(1, 5, 20);
    expect(scheduler.pauseMs).toBe(2);
    expect(sendsAt(22)).toEqual([['one', [5]]]);
    scheduler.requested('other', 1, 5, 60_000, 25);
    expect(scheduler.pauseMs).toBe(Number.POSITIVE_INFINITY);
    scheduler.sent(30);
    expect(scheduler.pauseMs).toBe(2);
  });

  it('is dealt with at once when the play head jumps', () => {
    scheduler.setPlayhead(50, 10);
    expect(scheduler.pauseMs).toBe(2);
  });
});

describe('what a neighbour has asked for', () => {
  it('goes as one message to each, of at most 64 KiB at a time for all', () => {
    for (let piece = 0; piece < pieceCount; piece += 1) scheduler.pieceFetched(1, piece, 10);
    scheduler.run(100);
    for (let piece = 0; piece < 6; piece += 1) scheduler.requested('one', 1, piece, 60_000, 110);
    scheduler.requested('other', 1, 9, 60_000, 110);
    const sizes: Record<string, number>[] = [];
    for (let nowMs = 120; nowMs < 150; nowMs += 10) {
      sizes.push(Object.fromEntries(sendsAt(nowMs).map(([id, pieces]) => [id, pieces.length])));
      expect(sendsAt(nowMs)).toEqual([]);
      scheduler.sent(nowMs);
    }
    expect(sizes).toEqual([{ one: 4 }, { one: 2, other: 1 }, {}]);
  });

  it('goes piece by piece on a line that takes long for one', () => {
    for (let piece = 0; piece < pieceCount; piece += 1) scheduler.pieceFetched(1, piece, 10);
    scheduler.run(100);
    let last: readonly number[] = [];
    for (let nowMs = 200; nowMs <= 1_400; nowMs += 200) {
      for (let piece = 0; piece < pieceCount; piece += 1)
        scheduler.requested('one', 1, piece, 60_000, nowMs);
      last = sendsAt(nowMs)[0]?.[1] ?? [];
      // 64 KiB take 200 ms.
      scheduler.sent(nowMs + 199);
    }
    expect(last).toHaveLength(1);
  });
});
