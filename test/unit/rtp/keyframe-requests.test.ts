// When keyframes are asked for, against senders that answer, answer late, answer never, or have a
// rhythm of their own.

import { describe, expect, it } from 'vitest';
import { KeyframeRequests } from '../../../ingest/rtp/keyframe-requests.ts';

const intervalMs = 2_000;
const tickMs = 10;

interface Sender {
  /** From a request to the keyframe that it brings; `null` when it brings none. */
  readonly answerMs: (request: number) => number | null;
  /** Keyframes that come without being asked for. */
  readonly ownGopMs?: number;
}

/** When the sender's keyframes came within half a minute, and when it was asked. */
function run(sender: Sender) {
  const requests = new KeyframeRequests(intervalMs);
  const asked: number[] = [];
  const keyframes: number[] = [];
  const coming: number[] = [0];
  for (let nowMs = 0; nowMs < 30_000; nowMs += tickMs) {
    const isOwn = sender.ownGopMs !== undefined && nowMs % sender.ownGopMs === 0;
    const arrived = coming.filter((at) => at <= nowMs);
    if (arrived.length > 0 || isOwn) {
      coming.splice(0, coming.length, ...coming.filter((at) => at > nowMs));
      keyframes.push(nowMs);
      requests.noteKeyframe(nowMs);
    }
    if (!requests.takeDue(false, nowMs)) continue;
    asked.push(nowMs);
    const answerMs = sender.answerMs(asked.length);
    if (answerMs !== null) coming.push(nowMs + answerMs);
  }
  return { asked, keyframes };
}

function distances(timesMs: readonly number[]): number[] {
  return timesMs.slice(1).map((timeMs, index) => timeMs - (timesMs[index] ?? 0));
}

describe('KeyframeRequests', () => {
  it('asks so early that the answer comes with the segment', () => {
    const { asked, keyframes } = run({ answerMs: () => 120 });
    // The first answer shows how long answers take.
    expect(distances(keyframes)[0]).toBe(2_120);
    expect(new Set(distances(keyframes).slice(1))).toEqual(new Set([2_000]));
    expect(asked.length).toBe(keyframes.length - 1);
  });

  it('asks again when an answer is lost, before the segment gets too long', () => {
    const { keyframes } = run({ answerMs: (request) => (request % 3 === 1 ? null : 60) });
    for (const distanceMs of distances(keyframes)) {
      expect(distanceMs).toBeGreaterThanOrEqual(1_700);
      expect(distanceMs).toBeLessThan(2_499);
    }
  });

  it('leaves alone who sends keyframes often enough', () => {
    expect(run({ answerMs: () => 50, ownGopMs: 1_000 }).asked).toEqual([]);
  });

  it('asks for one where a segment should begin between two of the sender’s own', () => {
    const { asked } = run({ answerMs: () => 50, ownGopMs: 1_500 });
    expect(asked[0]).toBe(2_000);
  });

  it('asks less and less often who never answers', () => {
    const { asked } = run({ answerMs: () => null });
    expect(asked[0]).toBe(2_000);
    expect(distances(asked).slice(0, 4)).toEqual([250, 500, 1_000, 2_000]);
    expect(Math.max(...distances(asked))).toBe(4_000);
  });

  it('asks at once when somebody behind needs one', () => {
    const requests = new KeyframeRequests(intervalMs);
    requests.noteKeyframe(0);
    expect(requests.takeDue(false, 500)).toBe(false);
    requests.request();
    expect(requests.takeDue(false, 510)).toBe(true);
    expect(requests.takeDue(false, 600)).toBe(false);
  });
});
