// A fetch from the CDN that drags on: neighbours who have the pieces are asked, and the fetch goes
// on, so that whoever is first wins.

import { describe, expect, it } from 'vitest';
import { schedulerConstants } from '../../../player/delivery/scheduler/scheduler-constants.ts';
import { SwarmScheduler } from '../../../player/delivery/scheduler/swarm-scheduler.ts';

const segment = { number: 1, startSeconds: 10, pieceCount: 4, pieceSizeBytes: 16_384 };

function fetchingAll(): SwarmScheduler {
  const scheduler = new SwarmScheduler({
    viewerId: 'viewer',
    isLive: true,
    canUpload: true,
    segmentDurationMs: 2_000,
    constants: schedulerConstants(4_000),
    nowMs: 0,
    random: () => 0.5,
  });
  scheduler.setPlayhead(0, 0);
  scheduler.addSegment(segment, true, 0);
  scheduler.neighbourJoined('neighbour', 0);
  scheduler.demand(1, true, false);
  scheduler.run(0);
  scheduler.have('neighbour', 1, new Uint8Array([0b1111]), 4, 0, 1);
  return scheduler;
}

const requests = (scheduler: SwarmScheduler, nowMs: number) =>
  scheduler.run(nowMs).actions.filter(({ kind }) => kind === 'request');

describe('a fetch that is late', () => {
  it('lets the pieces be asked of neighbours, which it otherwise keeps from them', () => {
    const scheduler = fetchingAll();
    expect(requests(scheduler, 10)).toEqual([]);
    scheduler.pieceFetched(1, 0, 0);
    scheduler.fetchLate(1, 0, 3);
    const asked = requests(scheduler, 20).map((each) => 'piece' in each && each.piece);
    expect(asked.sort()).toEqual([1, 2, 3]);
  });

  it('is not fetched a second time by the hedge', () => {
    const scheduler = fetchingAll();
    scheduler.fetchLate(1, 0, 3);
    scheduler.setPlayhead(9.9, 20);
    const { actions } = scheduler.run(20);
    expect(actions.some(({ kind }) => kind === 'fetch')).toBe(false);
  });

  it('takes back what it asked for when the fetch brings it after all', () => {
    const scheduler = fetchingAll();
    scheduler.fetchLate(1, 0, 3);
    scheduler.run(20);
    scheduler.pieceFetched(1, 2, 0);
    const { actions } = scheduler.run(30);
    expect(actions).toContainEqual({
      kind: 'cancel',
      neighbour: 'neighbour',
      segment: 1,
      piece: 2,
    });
  });
});
