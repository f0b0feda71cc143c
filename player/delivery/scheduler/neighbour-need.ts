// When a viewer needs other neighbours than it has, and when it can take more than most. Beside the
// duties: what had to be hedged shows that the neighbours give too little.

import type { SegmentState, SwarmState } from './swarm-state.ts';

/** A segment of which more than this had to be hedged came from too few. */
const mostHedgedShare = 0.05;
/** Each announce costs a browser five connections. */
const meetIntervalMs = 7_000;
/** Half of those in need ask at a time: others may be helped by what the first ones find. */
const askingShare = 0.5;
/** A line with this multiple of the stream feeds more than its share. */
const strongUplinkFactor = 2;

export function noteHedge(state: SwarmState, segment: SegmentState): void {
  if (state.neighbours.size > 0 && segment.hedgedCount > mostHedgedShare * segment.pieceCount)
    state.needsNeighbours = true;
}

export function meetWhenNeeded(state: SwarmState, nowMs: number): void {
  if (!state.needsNeighbours || nowMs < state.meetAtMs) return;
  state.needsNeighbours = false;
  if (state.random() >= askingShare) return;
  state.meetAtMs = nowMs + meetIntervalMs;
  state.actions.push({ kind: 'meet' });
}

/** It has sent, and its line was never seen to be busy at less than it takes to feed two. */
export function hasUplinkToSpare(state: SwarmState): boolean {
  if (!state.canUpload || state.sentCount === 0 || state.uploadLimitBytesPerMs !== null)
    return false;
  return (
    state.uplinkBytesPerMs === null ||
    state.uplinkBytesPerMs >= strongUplinkFactor * streamBytesPerMs(state)
  );
}

/** Of the newest segment. */
function streamBytesPerMs(state: SwarmState): number {
  let sizeBytes = 0;
  for (const { number, pieceCount } of state.segments.values())
    sizeBytes = state.pieceSizeBytes(number) * pieceCount;
  return sizeBytes / state.segmentDurationMs;
}
