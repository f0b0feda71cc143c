// What to tell the neighbours: pieces that they lack and do not know of, and claims, batched. The
// claims travel on, so that the whole swarm knows in a few hops who is fetching.

import { PieceFlags } from './piece-flags.ts';
import type { NeighbourState, SegmentState, SwarmState } from './swarm-state.ts';

/** Sends the news that are due; gives the time of the next. */
export function announce(state: SwarmState, nowMs: number): number {
  if (state.dirty.size === 0) return Number.POSITIVE_INFINITY;
  if (nowMs < state.announceAtMs) return state.announceAtMs;
  state.announceAtMs = nowMs + state.constants.announceIntervalMs;
  for (const number of state.dirty) {
    const segment = state.segments.get(number);
    if (!segment) continue;
    for (const neighbour of state.neighbours.values())
      tell(state, segment, neighbour, nowMs, false);
  }
  state.dirty.clear();
  return Number.POSITIVE_INFINITY;
}

/** Tells a new neighbour everything. */
export function tellAll(state: SwarmState, neighbour: NeighbourState, nowMs: number): void {
  for (const segment of state.segments.values()) tell(state, segment, neighbour, nowMs, true);
}

function tell(
  state: SwarmState,
  segment: SegmentState,
  neighbour: NeighbourState,
  nowMs: number,
  isNew: boolean,
): void {
  const has = neighbour.has.get(segment.number);
  const told = neighbour.told.get(segment.number) ?? {
    pieces: new PieceFlags(segment.pieceCount),
    claims: 0,
  };
  const claims = currentClaims(state, segment, nowMs);
  let isUseful = (claims & ~told.claims) !== 0 && !has?.isFull;
  if (!has?.isFull && state.canUpload) {
    for (let piece = 0; piece < segment.pieceCount; piece += 1) {
      if (!segment.have.has(piece) || has?.has(piece)) continue;
      if (told.pieces.set(piece)) isUseful = true;
    }
  }
  if (!isUseful || (isNew && segment.have.count === 0 && claims === 0)) return;
  told.claims |= claims;
  neighbour.told.set(segment.number, told);
  const bits = state.canUpload
    ? segment.have.toBits()
    : new PieceFlags(segment.pieceCount).toBits();
  state.actions.push({
    kind: 'have',
    neighbour: neighbour.id,
    segment: segment.number,
    bits,
    claims,
  });
}

function currentClaims(state: SwarmState, segment: SegmentState, nowMs: number): number {
  let claims = 0;
  for (let slice = 0; slice < state.constants.sliceCount; slice += 1) {
    const atMs = segment.claimedAtMs[slice] ?? Number.NEGATIVE_INFINITY;
    if (nowMs - atMs < state.constants.claimLifetimeMs) claims |= 1 << slice;
  }
  return claims;
}
