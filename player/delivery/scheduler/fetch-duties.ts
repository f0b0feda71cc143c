// Who fetches what from the CDN: owners of slices on the ring at once, backups staggered behind
// them and held back by claims, everybody as a hedge shortly before the play head.

import { claimLater } from './announcements.ts';
import { fetchPieces } from './fetch-pieces.ts';
import { hedge } from './hedge.ts';
import {
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
  claimLater(state, segment.number, nowMs);
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
