// The last resort before the play head: what peers will not bring in time comes from the CDN. Called
// by fetch-duties for every segment that is not complete.

import { fetchPieces, isWanted } from './fetch-pieces.ts';
import { latenessMs } from './lateness.ts';
import { noteHedge } from './neighbour-need.ts';
import { bitCount } from './piece-flags.ts';
import { receivedPerMs } from './received-rate.ts';
import { cancelRequest, deadlineMs, type SegmentState, type SwarmState } from './swarm-state.ts';

/** Of the pace at which pieces have come from peers, so much is counted on. */
const trustedPaceShare = 0.7;
const lookAgainMs = 100;
/** How much earlier than usual a careful viewer turns to the CDN. */
const carefulFactor = 2;
/** Neighbours that were just met have had no time to answer. */
const meetingMs = 400;

/**
 * First, as the play head comes near, as much of what nobody was asked for as the neighbours will
 * not bring at their pace; at last everything. Gives the time at which the segment needs it.
 */
export function hedge(state: SwarmState, segment: SegmentState, nowMs: number): number {
  const caution = state.isCareful ? carefulFactor : 1;
  const hedgeBaseMs = caution * state.constants.hedgeBaseMs;
  const hedgeFactor = caution * state.constants.hedgeFactor;
  // Caution does not raise these: beyond them all would come from the CDN, peers or not.
  const { mostFirstHedgeMs, mostLastHedgeMs } = state.constants;
  const { have, fetching } = segment;
  if (!isWanted(state, segment)) return Number.POSITIVE_INFINITY;
  const missing =
    segment.pieceCount - bitCount(have.lo | fetching.lo) - bitCount(have.hi | fetching.hi);
  if (missing === 0) return Number.POSITIVE_INFINITY;
  const pieceMs = state.pieceSizeBytes(segment.number) / state.cdnBytesPerMs;
  const leftMs = deadlineMs(state, segment, nowMs) - nowMs;
  const lateMs = latenessMs(state, nowMs);
  const lastNeedMs =
    lateMs +
    Math.min(
      mostLastHedgeMs,
      hedgeBaseMs / 2 + 0.6 * hedgeFactor * (state.cdnFirstByteMs + missing * pieceMs),
    );
  if (leftMs <= lastNeedMs) {
    hedgePieces(state, segment, piecesToHedge(segment, missing, true));
    return Number.POSITIVE_INFINITY;
  }
  // What neighbours were asked for is on its way.
  const unasked = Math.max(0, missing - segment.requests.size);
  const firstNeedMs =
    lateMs +
    Math.min(
      mostFirstHedgeMs,
      hedgeBaseMs + hedgeFactor * (state.cdnFirstByteMs + unasked * pieceMs),
    );
  if (leftMs > firstNeedMs) return nowMs + leftMs - Math.max(firstNeedMs, lastNeedMs);
  if (isMeeting(state, nowMs)) return nowMs + Math.min(lookAgainMs, leftMs - lastNeedMs);
  const paceMs = leftMs - lastNeedMs;
  const expected = Math.floor(trustedPaceShare * receivedPerMs(state, nowMs) * paceMs);
  hedgePieces(state, segment, piecesToHedge(segment, unasked - expected, false));
  return nowMs + Math.min(lookAgainMs, paceMs);
}

/** Who has just joined is about to meet those who have it all: it waits as long as it can. */
function isMeeting(state: SwarmState, nowMs: number): boolean {
  if (nowMs - state.joinedAtMs >= state.constants.joiningMs) return false;
  return state.neighbours.size === 0 || nowMs - state.metAtMs < meetingMs;
}

/** Up to `count` of what is missing, the rarest first, in ascending order. */
function piecesToHedge(segment: SegmentState, count: number, isLast: boolean): number[] {
  if (count <= 0) return [];
  const { have, fetching, requested, holders } = segment;
  const pieces: number[] = [];
  for (let piece = 0; piece < segment.pieceCount; piece += 1) {
    if (have.has(piece) || fetching.has(piece) || (!isLast && requested.has(piece))) continue;
    pieces.push(piece);
  }
  if (pieces.length > count) {
    pieces.sort((a, b) => (holders[a] ?? 0) - (holders[b] ?? 0) || a - b);
    pieces.length = count;
  }
  return pieces.sort((a, b) => a - b);
}

function hedgePieces(state: SwarmState, segment: SegmentState, pieces: readonly number[]): void {
  if (pieces.length === 0) return;
  for (const piece of pieces) {
    // While the CDN fails they may still come from neighbours.
    if (state.isCdnFailing) segment.late.set(piece);
    else cancelRequest(state, segment, piece);
  }
  segment.hedgedCount += pieces.length;
  noteHedge(state, segment);
  fetchPieces(state, segment, pieces, state.neighbours.size === 0 ? 'alone' : 'hedge');
  state.dirty.add(segment.number);
}
