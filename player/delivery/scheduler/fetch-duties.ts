// Who fetches what from the CDN: owners of slices on the ring at once, backups staggered behind
// them and held back by claims, everybody as a hedge shortly before the play head.

import { bitCount } from './piece-flags.ts';
import type { FetchReason } from './scheduler-actions.ts';
import {
  cancelRequest,
  deadlineMs,
  type FetchDuty,
  isBanned,
  isMissing,
  type SegmentState,
  type SwarmState,
  sliceRange,
} from './swarm-state.ts';

/** Does what is due; gives the time at which something next will be. */
export function runDuties(state: SwarmState, nowMs: number): number {
  let nextMs = Number.POSITIVE_INFINITY;
  for (const segment of state.unfinished.values()) {
    nextMs = Math.min(nextMs, runSliceDuties(state, segment, nowMs), hedge(state, segment, nowMs));
  }
  return nextMs;
}

function runSliceDuties(state: SwarmState, segment: SegmentState, nowMs: number): number {
  let nextMs = Number.POSITIVE_INFINITY;
  for (const { atMs } of segment.duties) nextMs = Math.min(nextMs, atMs);
  if (nextMs > nowMs) return nextMs;
  nextMs = Number.POSITIVE_INFINITY;
  const kept: FetchDuty[] = [];
  const due: Record<'owner' | 'backup', number[]> = { owner: [], backup: [] };
  for (const duty of segment.duties) {
    if (duty.atMs <= nowMs && !fulfil(state, segment, duty, nowMs, due)) continue;
    kept.push(duty);
    nextMs = Math.min(nextMs, duty.atMs);
  }
  segment.duties = kept;
  // Slices that lie side by side go in one request: a viewer alone asks for the whole segment.
  fetchPieces(state, segment, due.owner.sort(ascending), 'owner');
  fetchPieces(state, segment, due.backup.sort(ascending), 'backup');
  return nextMs;
}

const ascending = (a: number, b: number): number => a - b;

/** Adds to `due` what is to be fetched now; `true` when the duty stays, for its new time. */
function fulfil(
  state: SwarmState,
  segment: SegmentState,
  duty: FetchDuty,
  nowMs: number,
  due: Record<'owner' | 'backup', number[]>,
): boolean {
  const { constants } = state;
  const [first, end] = sliceRange(segment, duty.slice, constants.sliceCount);
  const missing: number[] = [];
  for (let piece = first; piece < end; piece += 1) {
    if (!isMissing(segment, piece)) continue;
    // Owners believe nobody: one lie would keep the slice from the whole swarm until the hedge.
    if (!duty.isOwn && isHeldByTrusted(state, segment, piece, nowMs)) continue;
    missing.push(piece);
  }
  if (missing.length === 0) return false;
  const claimedAtMs = segment.claimedAtMs[duty.slice] ?? Number.NEGATIVE_INFINITY;
  if (!duty.isOwn && nowMs - claimedAtMs < constants.claimLifetimeMs) {
    const viewers = state.ring?.capableCount ?? state.viewerCount;
    duty.atMs =
      claimedAtMs +
      constants.claimLifetimeMs +
      (state.random() * constants.backupSpacingMs * viewers) / 2;
    return true;
  }
  due[duty.isOwn ? 'owner' : 'backup'].push(...missing);
  segment.claimedAtMs[duty.slice] = nowMs;
  state.dirty.add(segment.number);
  return false;
}

function isHeldByTrusted(
  state: SwarmState,
  segment: SegmentState,
  piece: number,
  nowMs: number,
): boolean {
  if ((segment.holders[piece] ?? 0) === 0) return false;
  for (const neighbour of state.neighbours.values()) {
    const isTrusted =
      !isBanned(neighbour, nowMs) && nowMs - neighbour.lastGoodMs < state.constants.trustMs;
    if (isTrusted && neighbour.has.get(segment.number)?.has(piece)) return true;
  }
  return false;
}

/**
 * The last resort before the play head: first what nobody was asked for, then everything. Gives
 * the time at which the segment needs it.
 */
function hedge(state: SwarmState, segment: SegmentState, nowMs: number): number {
  const { constants, cdnFirstByteMs, cdnBytesPerMs } = state;
  if (!isWanted(state, segment)) return Number.POSITIVE_INFINITY;
  const { have, fetching } = segment;
  const missing =
    segment.pieceCount - bitCount(have.lo | fetching.lo) - bitCount(have.hi | fetching.hi);
  if (missing === 0) return Number.POSITIVE_INFINITY;
  const pieceMs = state.pieceSizeBytes(segment.number) / cdnBytesPerMs;
  // What neighbours were asked for is on its way: the first hedge is for the rest.
  const unasked = Math.max(0, missing - segment.requests.size);
  const { hedgeBaseMs, hedgeFactor } = constants;
  const lastNeedMs = hedgeBaseMs / 2 + 0.6 * hedgeFactor * (cdnFirstByteMs + missing * pieceMs);
  // Who has just joined is about to meet those who have it all: it waits as long as it can.
  const isMeeting = state.neighbours.size === 0 && nowMs - state.joinedAtMs < constants.joiningMs;
  const carefulMs = hedgeBaseMs + hedgeFactor * (cdnFirstByteMs + unasked * pieceMs);
  const firstNeedMs = isMeeting ? lastNeedMs : carefulMs;
  const leftMs = deadlineMs(state, segment, nowMs) - nowMs;
  const isLast = leftMs <= lastNeedMs;
  if (leftMs > firstNeedMs && !isLast) return nowMs + leftMs - Math.max(firstNeedMs, lastNeedMs);
  const pieces: number[] = [];
  for (let piece = 0; piece < segment.pieceCount; piece += 1) {
    if (segment.have.has(piece) || segment.fetching.has(piece)) continue;
    if (segment.requested.has(piece)) {
      if (!isLast) continue;
      cancelRequest(state, segment, piece);
    }
    pieces.push(piece);
  }
  const reason = state.neighbours.size === 0 ? 'alone' : 'hedge';
  segment.hedgedCount += pieces.length;
  fetchPieces(state, segment, pieces, reason);
  if (pieces.length > 0) state.dirty.add(segment.number);
  return isLast ? Number.POSITIVE_INFINITY : nowMs + leftMs - lastNeedMs;
}

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
