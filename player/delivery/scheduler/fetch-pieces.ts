// Makes ranges of the pieces that are to come from the CDN, for whatever reason.

import type { FetchReason } from './scheduler-actions.ts';
import type { SegmentState, SwarmState } from './swarm-state.ts';

/** The play head has yet to pass it, or the player waits for it. */
export function isWanted(state: SwarmState, segment: SegmentState): boolean {
  if (segment.isDemanded) return true;
  return state.playheadSeconds !== null && segment.startSeconds > state.playheadSeconds;
}

/** One range for every contiguous run of `pieces`, which are in ascending order. */
export function fetchPieces(
  state: SwarmState,
  segment: SegmentState,
  pieces: readonly number[],
  reason: FetchReason,
): void {
  let runStart: number | null = null;
  let previous = Number.NaN;
  const flush = (): void => {
    if (runStart === null) return;
    state.actions.push({
      kind: 'fetch',
      segment: segment.number,
      firstPiece: runStart,
      lastPiece: previous,
      reason,
    });
  };
  for (const piece of pieces) {
    segment.fetching.set(piece);
    if (runStart === null || piece !== previous + 1) {
      flush();
      runStart = piece;
    }
    previous = piece;
  }
  flush();
}
