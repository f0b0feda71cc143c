// What a viewer sends can be limited and switched off while it plays, and neighbours cope with both.

import { describe, expect, it } from 'vitest';
import { schedulerConstants } from '../../../player/delivery/scheduler/scheduler-constants.ts';
import { SwarmScheduler } from '../../../player/delivery/scheduler/swarm-scheduler.ts';

const pieceSizeBytes = 16_384;
const pieceCount = 39;
const all = new Uint8Array(Math.ceil(pieceCount / 8)).fill(0xff);

function schedulerWithSegment(): SwarmScheduler {
  const scheduler = new SwarmScheduler({
    viewerId: '-SH0101-aaaaaaaaaaaa',
    isLive: true,
    canUpload: true,
    constants: schedulerConstants(5_000),
    segmentDurationMs: 2_000,
    nowMs: 0,
    random: () => 0.5,
  });
  scheduler.setPlayhead(0, 0);
  scheduler.addSegment({ number: 1, startSeconds: 100, pieceCount, pieceSizeBytes }, true, 0);
  scheduler.neighbourJoined('neighbour', 0);
  return scheduler;
}

/** Runs like the exchange does, with sends that leave at once; gives the times of the sends. */
function sendTimesMs(scheduler: SwarmScheduler, untilMs: number): number[] {
  const times: number[] = [];
  let nowMs = 0;
  while (nowMs <= untilMs) {
    const { actions, nextMs } = scheduler.run(nowMs);
    const sends = actions.filter((action) => action.kind === 'send');
    for (const { parcels } of sends) {
      for (const _piece of parcels.flatMap(({ pieces }) => pieces)) times.push(nowMs);
      scheduler.sent(nowMs);
    }
    if (sends.length === 0) nowMs = Math.max(nowMs + 1, Math.min(nextMs, untilMs + 1));
  }
  return times;
}

describe('a limit on what a viewer sends', () => {
  it('spaces the pieces, and is lifted while it plays', () => {
    const scheduler = schedulerWithSegment();
    for (let piece = 0; piece < pieceCount; piece += 1) scheduler.pieceFetched(1, piece, 0);
    for (let piece = 0; piece < 20; piece += 1)
      scheduler.requested('neighbour', 1, piece, 60_000, 0);
    // A piece of 16 KiB every 100 ms.
    scheduler.setUploadLimit((pieceSizeBytes * 8 * 1_000) / 100);
    expect(sendTimesMs(scheduler, 950)).toEqual([0, 100, 200, 300, 400, 500, 600, 700, 800, 900]);
    scheduler.setUploadLimit(null);
    expect(sendTimesMs(scheduler, 950)).toHaveLength(10);
  });
});

describe('a viewer that ceases to upload', () => {
  it('sends nothing that was asked for, and tells again what it has when it resumes', () => {
    const scheduler = schedulerWithSegment();
    scheduler.pieceFetched(1, 3, 0);
    scheduler.requested('neighbour', 1, 3, 60_000, 0);
    scheduler.setCanUpload(false, 0);
    expect(scheduler.run(100).actions).toEqual([]);
    scheduler.setCanUpload(true, 200);
    const told = scheduler.run(300).actions;
    expect(told).toMatchObject([{ kind: 'have', neighbour: 'neighbour', segment: 1 }]);
  });

  it('is asked for nothing any more by its neighbours', () => {
    const scheduler = schedulerWithSegment();
    scheduler.have('neighbour', 1, all, pieceCount, 0, 0);
    expect(scheduler.run(10).actions.some(({ kind }) => kind === 'request')).toBe(true);
    scheduler.neighbourCanUpload('neighbour', false);
    expect(scheduler.run(20).actions.filter(({ kind }) => kind === 'request')).toEqual([]);
    scheduler.have('neighbour', 1, all, pieceCount, 0, 30);
    expect(scheduler.run(40).actions.some(({ kind }) => kind === 'request')).toBe(true);
  });
});
