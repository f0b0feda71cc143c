// What to send next: one piece at a time for the whole viewer, at full uplink, so that the first
// neighbour to get it can pass it on soonest.

import type { SwarmState, UploadRequest } from './swarm-state.ts';

/** More waiting requests of one neighbour than this are noise or an attack. */
const maxWaitingPerNeighbour = 64;
/** Pieces that go as one message, and how long the line may take for them. */
const mostAtOnceBytes = 64 * 1024;
const mostAtOnceMs = 20;
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
  let best: UploadRequest | null = null;
  let bestRank = Number.POSITIVE_INFINITY;
  let isObsolete = false;
  for (const each of state.uploads) {
    if (!isServable(state, each, nowMs)) {
      isObsolete = true;
      continue;
    }
    const segment = state.segments.get(each.segment);
    // What is still on its way to us waits in the queue.
    if (!segment?.have.has(each.piece)) continue;
    const rank = rankOf(state, each, nowMs);
    if (rank < bestRank) {
      best = each;
      bestRank = rank;
    }
  }
  if (isObsolete) state.uploads = state.uploads.filter((each) => isServable(state, each, nowMs));
  if (!best) return Number.POSITIVE_INFINITY;
  const chosen = withMoreFor(state, best);
  state.uploads = state.uploads.filter((each) => !chosen.includes(each));
  state.isSending = true;
  state.actions.push({ kind: 'send', neighbour: best.neighbour, pieces: chosen });
  state.sendingBytes = 0;
  for (const { segment } of chosen) state.sendingBytes += state.pieceSizeBytes(segment);
  payFor(state, state.sendingBytes, nowMs);
  return Number.POSITIVE_INFINITY;
}

/**
 * With what else the same neighbour has asked for: each message costs it as much as the pieces in it. On
 * a line that is slow, or not ours alone, others would wait for it.
 */
function withMoreFor(state: SwarmState, best: UploadRequest): readonly UploadRequest[] {
  const { uplinkBytesPerMs, uploadLimitBytesPerMs, segments } = state;
  const chosen = [best];
  if (uploadLimitBytesPerMs !== null) return chosen;
  let roomBytes =
    Math.min(mostAtOnceBytes, (uplinkBytesPerMs ?? Number.POSITIVE_INFINITY) * mostAtOnceMs) -
    state.pieceSizeBytes(best.segment);
  for (const each of state.uploads) {
    if (each === best || each.neighbour !== best.neighbour) continue;
    roomBytes -= state.pieceSizeBytes(each.segment);
    if (roomBytes < 0) break;
    if (segments.get(each.segment)?.have.has(each.piece)) chosen.push(each);
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
