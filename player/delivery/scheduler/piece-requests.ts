// Which piece to ask of which neighbour: what the play head needs soon first, then what is rarest;
// one request per neighbour, and more for those that answer fast.

import { isWanted } from './fetch-pieces.ts';
import {
  cancelRequest,
  deadlineMs,
  isBanned,
  type NeighbourState,
  type SegmentState,
  type SwarmState,
} from './swarm-state.ts';

/** A segment of which something can be asked. */
interface Wanted {
  readonly segment: SegmentState;
  readonly leftMs: number;
  readonly isUrgent: boolean;
}

/** Requests without an answer are looked for no more often than this. */
const expiryCheckMs = 250;
/** Unanswered requests in a row after which a neighbour is asked nothing for a while. */
const maxUnanswered = 3;

/** Of the newest answer, in how long a neighbour takes. */
const weightOfNew = 0.2;

/** Requests what can be requested now. */
export function planRequests(state: SwarmState, nowMs: number): void {
  const wanted = wantedSegments(state, nowMs);
  if (wanted.length === 0) return;
  const free: NeighbourState[] = [];
  let outstanding = 0;
  const room = roomOf(state);
  for (const neighbour of state.neighbours.values()) {
    outstanding += neighbour.outstanding;
    if (neighbour.outstanding < room + Math.floor(neighbour.extra) && !isBanned(neighbour, nowMs))
      free.push(neighbour);
  }
  while (free.length > 0 && outstanding < state.constants.maxOutstanding) {
    const next = mostNeeded(state, wanted, free);
    if (next === null) return;
    const neighbour = choose(state, free, next.wanted.segment, next.piece);
    if (!neighbour) return;
    outstanding += 1;
    ask(state, neighbour, next.wanted, next.piece, nowMs);
    if (neighbour.outstanding >= room + Math.floor(neighbour.extra))
      free.splice(free.indexOf(neighbour), 1);
  }
}

function ask(
  state: SwarmState,
  neighbour: NeighbourState,
  { segment, leftMs }: Wanted,
  piece: number,
  nowMs: number,
): void {
  neighbour.outstanding += 1;
  state.expireAtMs = Math.min(state.expireAtMs, nowMs + state.constants.requestLifetimeMs);
  segment.requests.set(piece, { neighbour: neighbour.id, atMs: nowMs });
  segment.requested.set(piece);
  state.actions.push({
    kind: 'request',
    neighbour: neighbour.id,
    segment: segment.number,
    piece,
    deadlineInMs: Math.max(0, leftMs),
  });
}

/** Takes back what was not answered, and notes when to look again. */
export function expireRequests(state: SwarmState, nowMs: number): void {
  if (nowMs < state.expireAtMs) return;
  const { requestLifetimeMs, silentPeerBanMs } = state.constants;
  let oldestAtMs = Number.POSITIVE_INFINITY;
  for (const segment of state.unfinished.values()) {
    for (const [piece, request] of segment.requests) {
      if (request.atMs + requestLifetimeMs > nowMs) {
        oldestAtMs = Math.min(oldestAtMs, request.atMs);
        continue;
      }
      cancelRequest(state, segment, piece);
      const neighbour = state.neighbours.get(request.neighbour);
      if (!neighbour) continue;
      neighbour.extra = 0;
      neighbour.unanswered += 1;
      if (neighbour.unanswered < maxUnanswered) continue;
      neighbour.unanswered = 0;
      neighbour.bannedUntilMs = nowMs + silentPeerBanMs;
    }
  }
  state.expireAtMs = Math.max(nowMs + expiryCheckMs, oldestAtMs + requestLifetimeMs);
}

/** A piece has come from a neighbour: what its speed says about how much to ask of it. */
export function rewardSpeed(neighbour: NeighbourState, requestedAtMs: number, nowMs: number): void {
  const tookMs = nowMs - requestedAtMs;
  neighbour.lastGoodMs = nowMs;
  neighbour.unanswered = 0;
  neighbour.receivedCount += 1;
  neighbour.rttMs = Math.min(neighbour.rttMs + 1, tookMs);
  neighbour.tookMs += weightOfNew * (tookMs - neighbour.tookMs);
  if (tookMs < neighbour.rttMs + 30) neighbour.extra = Math.min(3, neighbour.extra + 0.25);
  else if (tookMs > neighbour.rttMs + 100) neighbour.extra = Math.max(0, neighbour.extra - 0.5);
}

function wantedSegments(state: SwarmState, nowMs: number): Wanted[] {
  const wanted: Wanted[] = [];
  for (const segment of state.unfinished.values()) {
    if ((askableLo(segment) | askableHi(segment)) === 0 || !isWanted(state, segment)) continue;
    const leftMs = deadlineMs(state, segment, nowMs) - nowMs;
    wanted.push({ segment, leftMs, isUrgent: leftMs < state.constants.urgentMs });
  }
  return wanted;
}

/** Some neighbour has what is missing here, and was not asked for it. */
export function canAsk(state: SwarmState): boolean {
  for (const segment of state.unfinished.values())
    if ((askableLo(segment) | askableHi(segment)) !== 0) return true;
  return false;
}

/** Pieces that are neither here nor on their way in good time, and that somebody has. */
function askableLo({ have, fetching, late, requested, held }: SegmentState): number {
  return held.lo & ~(have.lo | (fetching.lo & ~late.lo) | requested.lo);
}

function askableHi({ have, fetching, late, requested, held }: SegmentState): number {
  return held.hi & ~(have.hi | (fetching.hi & ~late.hi) | requested.hi);
}

/**
 * Of all that the free neighbours have: urgent segments first, the oldest before the others; then
 * the rarest piece; among equals the older segment, then chance.
 */
function mostNeeded(
  state: SwarmState,
  wanted: readonly Wanted[],
  free: readonly NeighbourState[],
): { wanted: Wanted; piece: number } | null {
  const salt = Math.floor(state.random() * 64);
  let best: { wanted: Wanted; piece: number } | null = null;
  let bestRank = Number.POSITIVE_INFINITY;
  for (const [index, each] of wanted.entries()) {
    const { segment, isUrgent } = each;
    let lo = 0;
    let hi = 0;
    for (const neighbour of free) {
      const has = neighbour.has.get(segment.number);
      lo |= has?.lo ?? 0;
      hi |= has?.hi ?? 0;
    }
    const [urgentRank, holderRank] = isUrgent ? [index * 1e8 - 1e12, 100] : [index * 100, 1e5];
    const words = [lo & askableLo(segment), hi & askableHi(segment)];
    for (let half = 0; half < 2; half += 1) {
      for (let word = words[half] ?? 0; word !== 0; word &= word - 1) {
        const piece = 31 - Math.clz32(word & -word) + 32 * half;
        const rank =
          urgentRank + (segment.holders[piece] ?? 0) * holderRank + ((piece * 37 + salt) & 63);
        if (rank >= bestRank) continue;
        bestRank = rank;
        best = { wanted: each, piece };
      }
    }
  }
  return best;
}

function roomOf(state: SwarmState): number {
  return Math.ceil(state.constants.firstRequests / Math.max(1, state.neighbours.size));
}

/** The least busy neighbour that has the piece, the one that has been fastest among equals. */
function choose(
  state: SwarmState,
  free: readonly NeighbourState[],
  segment: SegmentState,
  piece: number,
): NeighbourState | null {
  let best: NeighbourState | null = null;
  let bestCost = Number.POSITIVE_INFINITY;
  for (const neighbour of free) {
    if (!neighbour.has.get(segment.number)?.has(piece)) continue;
    const cost = neighbour.outstanding * 10_000 + neighbour.tookMs + state.random() * 20;
    if (cost < bestCost) {
      best = neighbour;
      bestCost = cost;
    }
  }
  return best;
}
