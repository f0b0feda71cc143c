// What to send next: little at a time for the whole viewer, at full uplink, so that the first
// neighbour to get it can pass it on soonest. On a line that is slow, one piece.

import type { Parcel } from './scheduler-actions.ts';
import type { SwarmState, UploadRequest } from './swarm-state.ts';

/** More waiting requests of one neighbour than this are noise or an attack. */
const maxWaitingPerNeighbour = 64;
/** How long the line may take for what is on it at one time. */
const mostAtOnceMs = 20;
/** As much as that is, before more has been seen to leave in time; and the most. */
export const leastRoomBytes = 64 * 1024;
const mostRoomBytes = 256 * 1024;
/** With a queue longer than this, those who give come first. */
const contendedQueueLength = 16;

/** A neighbour asks for a piece; `false` when it asks for too much. */
export function enqueueUpload(state: SwarmState, request: UploadRequest): boolean {
  let waiting = 0;
  for (const each of state.uploads) {
    if (each.neighbour !== request.neighbour) continue;
    if (each.segment === request.segment && each.piece === request.piece) return true;
    waiting += 1;
  }
  if (waiting >= maxWaitingPerNeighbour) return false;
  state.uploads.push(request);
  return true;
}

export function cancelUpload(
  state: SwarmState,
  neighbour: string,
  segment: number,
  piece: number,
): void {
  const index = state.uploads.findIndex(
    (each) => each.piece === piece && each.segment === segment && each.neighbour === neighbour,
  );
  if (index >= 0) state.uploads.splice(index, 1);
}

/** Somebody waits for a piece that is here. */
export function canServe({ uploads, segments }: SwarmState): boolean {
  return uploads.some(({ segment, piece }) => segments.get(segment)?.have.has(piece));
}

/**
 * Sends the best of what is waiting, unless something is on its way already or the limit is used
 * up; gives the time at which it allows more.
 */
export function sendNext(state: SwarmState, nowMs: number): number {
  if (state.isSending || !state.canUpload || state.uploads.length === 0)
    return Number.POSITIVE_INFINITY;
  if (nowMs < state.uploadFreeAtMs) return state.uploadFreeAtMs;
  state.uploads = state.uploads.filter((each) => isServable(state, each, nowMs));
  const parcels: Parcel[] = [];
  let roomBytes = roomOnLine(state);
  state.sendingBytes = 0;
  for (;;) {
    const best = mostWanted(state, nowMs);
    if (best === null) break;
    const sizeBytes = state.pieceSizeBytes(best.segment);
    if (parcels.length > 0 && sizeBytes > roomBytes) break;
    const pieces = withMoreFor(state, best, roomBytes - sizeBytes);
    state.uploads = state.uploads.filter((each) => !pieces.includes(each));
    parcels.push({ neighbour: best.neighbour, pieces });
    for (const { segment } of pieces) {
      state.sendingBytes += state.pieceSizeBytes(segment);
      roomBytes -= state.pieceSizeBytes(segment);
    }
  }
  if (parcels.length === 0) return Number.POSITIVE_INFINITY;
  state.isSending = true;
  state.sendingSinceMs = nowMs;
  state.actions.push({ kind: 'send', parcels });
  payFor(state, state.sendingBytes, nowMs);
  return Number.POSITIVE_INFINITY;
}

/** On a line that is slow, or not ours alone, what comes next would wait for more than one piece. */
function roomOnLine({ roomBytes, uplinkBytesPerMs, uploadLimitBytesPerMs }: SwarmState): number {
  if (uploadLimitBytesPerMs !== null) return 0;
  return Math.min(roomBytes, (uplinkBytesPerMs ?? Number.POSITIVE_INFINITY) * mostAtOnceMs);
}

/** What was on the line has left: twice as much goes at a time where it took it easily. */
export function adaptRoom(state: SwarmState, nowMs: number): void {
  const tookMs = nowMs - state.sendingSinceMs;
  if (tookMs > 2 * mostAtOnceMs) state.roomBytes = leastRoomBytes;
  else if (tookMs <= mostAtOnceMs && state.sendingBytes > state.roomBytes / 2)
    state.roomBytes = Math.min(mostRoomBytes, 2 * state.roomBytes);
}

/** Of what is here; what is still on its way to us waits in the queue. */
function mostWanted(state: SwarmState, nowMs: number): UploadRequest | null {
  let best: UploadRequest | null = null;
  let bestRank = Number.POSITIVE_INFINITY;
  for (const each of state.uploads) {
    if (!state.segments.get(each.segment)?.have.has(each.piece)) continue;
    const rank = rankOf(state, each, nowMs);
    if (rank < bestRank) {
      best = each;
      bestRank = rank;
    }
  }
  return best;
}

/** With what else the same neighbour has asked for: each message costs it as much as the pieces in it. */
function withMoreFor(
  state: SwarmState,
  best: UploadRequest,
  roomBytes: number,
): readonly UploadRequest[] {
  const chosen = [best];
  let leftBytes = roomBytes;
  for (const each of state.uploads) {
    if (each === best || each.neighbour !== best.neighbour) continue;
    leftBytes -= state.pieceSizeBytes(each.segment);
    if (leftBytes < 0) break;
    if (state.segments.get(each.segment)?.have.has(each.piece)) chosen.push(each);
  }
  return chosen;
}

/** One piece after the other keeps the limit over any time longer than one of them takes. */
function payFor(state: SwarmState, sizeBytes: number, nowMs: number): void {
  const { uploadLimitBytesPerMs } = state;
  if (uploadLimitBytesPerMs === null) return;
  state.uploadFreeAtMs = Math.max(nowMs, state.uploadFreeAtMs) + sizeBytes / uploadLimitBytesPerMs;
}

function isServable(state: SwarmState, request: UploadRequest, nowMs: number): boolean {
  // Who does not answer is asked no more, but served: else it would take all from the CDN.
  if (request.deadlineMs < nowMs || !state.neighbours.has(request.neighbour)) return false;
  return state.segments.has(request.segment);
}

/**
 * Lower goes first: urgent by deadline; else the newest segment, its rarest piece. Who answers fast
 * passes it on fast: what such a neighbour has earned counts as if fewer had the piece.
 */
function rankOf(state: SwarmState, request: UploadRequest, nowMs: number): number {
  const leftMs = request.deadlineMs - nowMs;
  const segment = state.segments.get(request.segment);
  const giver = state.neighbours.get(request.neighbour);
  const takes = state.uploads.length > contendedQueueLength && (giver?.receivedCount ?? 0) === 0;
  const penalty = takes ? 1e12 : 0;
  if (leftMs < state.constants.urgentMs) return penalty + leftMs - 1e9;
  const holders = segment?.holders[request.piece] ?? 0;
  const standing = holders - (giver?.extra ?? 0);
  return penalty - request.segment * 10_000 + standing * 10 + (request.atMs - nowMs) * 1e-6;
}
