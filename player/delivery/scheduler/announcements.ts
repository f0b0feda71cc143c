// What to tell the neighbours: pieces that they lack and do not know of, and claims, batched. The
// claims travel on, so that the whole swarm knows in a few hops who is fetching.

import { PieceFlags } from './piece-flags.ts';
import {
  isProven,
  type NeighbourState,
  type SegmentState,
  type SwarmState,
} from './swarm-state.ts';

/** News go this much of the interval before their time with what else is done then. */
const earlyShare = 0.25;

/** What this viewer fetches is news soon, or with the first of it that comes. */
export function claimLater(state: SwarmState, segment: number, nowMs: number): void {
  if (!state.claimed.has(segment)) state.claimed.set(segment, nowMs + state.constants.claimWaitMs);
}

/** Sends the news that are due; gives the time of the next. */
export function announce(state: SwarmState, nowMs: number): number {
  const { dirty, claimed, constants } = state;
  if (dirty.size === 0 && claimed.size === 0) return Number.POSITIVE_INFINITY;
  const dueAtMs = Math.max(announceAtMs(state), dirty.size > 0 ? 0 : Math.min(...claimed.values()));
  if (nowMs < dueAtMs - constants.announceIntervalMs * earlyShare) return dueAtMs;
  state.announcedAtMs = nowMs;
  for (const number of new Set([...dirty, ...claimed.keys()])) {
    const segment = state.segments.get(number);
    if (!segment) continue;
    const claims = currentClaims(state, segment, nowMs);
    const bits = bitsFor(state, segment);
    for (const neighbour of state.neighbours.values())
      tell(state, segment, neighbour, { bits, claims, nowMs });
  }
  dirty.clear();
  claimed.clear();
  return Number.POSITIVE_INFINITY;
}

/** When news may next be told. */
export function announceAtMs({ announcedAtMs, constants }: SwarmState): number {
  return announcedAtMs + constants.announceIntervalMs;
}

/** Tells a new neighbour everything. */
export function tellAll(state: SwarmState, neighbour: NeighbourState, nowMs: number): void {
  for (const segment of state.segments.values()) {
    const claims = currentClaims(state, segment, nowMs);
    if (segment.have.isEmpty && claims === 0) continue;
    tell(state, segment, neighbour, { bits: bitsFor(state, segment), claims, nowMs });
  }
}

interface News {
  readonly bits: Uint8Array;
  readonly claims: number;
  readonly nowMs: number;
}

function tell(
  state: SwarmState,
  segment: SegmentState,
  neighbour: NeighbourState,
  { bits, claims, nowMs }: News,
): void {
  // Who says that it has everything and gives nothing would, if it were believed here, be told
  // nothing, and would take everything from the CDN.
  const has = isProven(neighbour, nowMs) ? neighbour.has.get(segment.number) : undefined;
  if (has?.isFull) return;
  let told = neighbour.told.get(segment.number);
  if (!told) {
    told = { pieces: new PieceFlags(segment.pieceCount), claims: 0 };
    neighbour.told.set(segment.number, told);
  }
  const { have } = segment;
  const lo = state.canUpload ? have.lo & ~told.pieces.lo & ~(has?.lo ?? 0) : 0;
  const hi = state.canUpload ? have.hi & ~told.pieces.hi & ~(has?.hi ?? 0) : 0;
  if ((lo | hi | (claims & ~told.claims)) === 0) return;
  if (state.canUpload) told.pieces.addAll(have);
  told.claims |= claims;
  state.actions.push({
    kind: 'have',
    neighbour: neighbour.id,
    segment: segment.number,
    bits,
    claims,
  });
}

function bitsFor(state: SwarmState, segment: SegmentState): Uint8Array {
  return state.canUpload ? segment.have.toBits() : new PieceFlags(segment.pieceCount).toBits();
}

function currentClaims(state: SwarmState, segment: SegmentState, nowMs: number): number {
  let claims = 0;
  for (let slice = 0; slice < state.constants.sliceCount; slice += 1) {
    const atMs = segment.claimedAtMs[slice] ?? Number.NEGATIVE_INFINITY;
    if (nowMs - atMs < state.constants.claimLifetimeMs) claims |= 1 << slice;
  }
  return claims;
}
