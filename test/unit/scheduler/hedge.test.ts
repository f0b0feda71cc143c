// When a viewer ceases to wait for its neighbours and fetches from the CDN itself: late enough for
// peers to deliver, early enough never to stall, and not for long after one slow spell of the CDN.

import { describe, expect, it } from 'vitest';
import { schedulerConstants } from '../../../player/delivery/scheduler/scheduler-constants.ts';
import { SwarmScheduler } from '../../../player/delivery/scheduler/swarm-scheduler.ts';

const pieceSizeBytes = 16_384;
const pieceCount = 39;
const all = new Uint8Array(5).fill(0xff);
const deadlineAtMs = 20_000;

interface Conditions {
  readonly firstByteMs: number;
  readonly bytesPerMs: number;
  /** A piece comes from the neighbour in this time; `null`: never. */
  readonly pieceEveryMs: number | null;
  readonly isCareful?: boolean;
}

/** Plays towards one segment of which a neighbour has all; when and how much came from the CDN. */
function hedgesOf(conditions: Conditions): { atMs: number; pieces: number }[] {
  const scheduler = new SwarmScheduler({
    viewerId: '-SH0100-aaaaaaaaaaaa',
    isLive: true,
    canUpload: false,
    constants: schedulerConstants(4_000),
    segmentDurationMs: 2_000,
    nowMs: -60_000,
    random: () => 0.5,
  });
  scheduler.setCdnSpeed(conditions.firstByteMs, conditions.bytesPerMs);
  scheduler.setCareful(conditions.isCareful ?? false);
  scheduler.neighbourJoined('neighbour', -50_000);
  const startSeconds = deadlineAtMs / 1_000;
  scheduler.setPlayhead(0, 0);
  scheduler.addSegment({ number: 1, startSeconds, pieceCount, pieceSizeBytes }, true, 0);
  scheduler.have('neighbour', 1, all, pieceCount, 0, 0);
  const hedges: { atMs: number; pieces: number }[] = [];
  const asked: number[] = [];
  for (let nowMs = 14_000; nowMs < deadlineAtMs; nowMs += 10) {
    scheduler.setPlayhead(nowMs / 1_000, nowMs);
    if (conditions.pieceEveryMs !== null && nowMs % conditions.pieceEveryMs === 0) {
      const piece = asked.shift();
      if (piece !== undefined) scheduler.pieceReceived('neighbour', 1, piece, nowMs);
    }
    for (const action of scheduler.run(nowMs).actions) {
      if (action.kind === 'request') asked.push(action.piece);
      if (action.kind === 'cancel') asked.splice(asked.indexOf(action.piece), 1);
      if (action.kind === 'fetch')
        hedges.push({ atMs: nowMs, pieces: action.lastPiece - action.firstPiece + 1 });
    }
  }
  return hedges;
}

const fastCdn = { firstByteMs: 50, bytesPerMs: 3_000 };

describe('the hedge', () => {
  it('fetches all in time when the neighbour sends nothing', () => {
    const hedges = hedgesOf({ ...fastCdn, pieceEveryMs: null });
    expect(hedges.reduce((sum, { pieces }) => sum + pieces, 0)).toBe(pieceCount);
    const leastMs = fastCdn.firstByteMs + (pieceCount * pieceSizeBytes) / fastCdn.bytesPerMs;
    for (const { atMs } of hedges) expect(deadlineAtMs - atMs).toBeGreaterThan(leastMs);
  });

  it('fetches nothing when the neighbour is fast enough, and only the rest when it is not', () => {
    expect(hedgesOf({ ...fastCdn, pieceEveryMs: 100 })).toEqual([]);
    const rest = hedgesOf({ ...fastCdn, pieceEveryMs: 250 });
    const fetched = rest.reduce((sum, { pieces }) => sum + pieces, 0);
    expect(fetched).toBeGreaterThan(10);
    expect(fetched).toBeLessThan(25);
  });

  it.each([false, true])(
    'leaves peers their time even after a spell in which the CDN took seconds (careful: %s)',
    (isCareful) => {
      const slowCdn = { firstByteMs: 4_000, bytesPerMs: 100 };
      const hedges = hedgesOf({ ...slowCdn, pieceEveryMs: 100, isCareful });
      for (const { atMs } of hedges) expect(deadlineAtMs - atMs).toBeLessThanOrEqual(3_000);
    },
  );

  it('begins earlier for a careful viewer', () => {
    const firstOf = (isCareful: boolean): number =>
      Math.min(...hedgesOf({ ...fastCdn, pieceEveryMs: 250, isCareful }).map(({ atMs }) => atMs));
    expect(firstOf(true)).toBeLessThan(firstOf(false) - 500);
  });
});
