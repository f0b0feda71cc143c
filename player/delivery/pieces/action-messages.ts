// What the scheduler has to say to a neighbour, as a message: announcements, requests, cancellations. Between
// piece-delivery and track-links.

import type { SchedulerAction } from '../scheduler/scheduler-actions.ts';
import { encodeCancel, encodeHave, encodeRequest } from './piece-messages.ts';
import type { PieceSegment } from './piece-segment.ts';

export type MessageAction = Extract<SchedulerAction, { kind: 'request' | 'cancel' | 'have' }>;

/** Who was asked for the list of digests may be slow, or lie: then another is. */
const listPatienceMs = 300;

/**
 * `null` when there is nothing to say any more.
 * @param segment of which this viewer may have nothing any more
 */
export function messageOf(
  action: MessageAction,
  segment: PieceSegment | undefined,
  nowMs: number,
): Uint8Array | null {
  switch (action.kind) {
    case 'request': {
      const wantsList = segment !== undefined && isListWanted(segment, nowMs);
      return encodeRequest(action.segment, action.piece, action.deadlineInMs, wantsList);
    }
    case 'cancel':
      return encodeCancel(action.segment, action.piece);
    case 'have':
      if (!segment) return null;
      return encodeHave(
        action.segment,
        segment.tag,
        segment.pieceCount,
        action.bits,
        action.claims,
      );
  }
}

/** Of one neighbour at a time: the list is the same from all. */
function isListWanted(segment: PieceSegment, nowMs: number): boolean {
  if (segment.digests !== null || nowMs - segment.listAskedAtMs < listPatienceMs) return false;
  segment.listAskedAtMs = nowMs;
  return true;
}
