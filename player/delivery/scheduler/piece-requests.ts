// Which piece to ask of which neighbour: what the play head needs soon first, then what is rarest;
// one request per neighbour, and more for those that answer fast.

import { isWanted } from './fetch-duties.ts';
import {
  cancelRequest,
  deadlineMs,
  isBanned,
  isMissing,
  type NeighbourState,
  type SegmentState,
  type SwarmState,
} from './swarm-state.ts';

interface Candidate {
  readonly segment: SegmentState;
  readonly piece: number;
  readonly holders: number;
  readonly isUrgent: boolean;
  readonly tieBreak: number;
}

/** Requests what can be requested now. */
export function planRequests(state: SwarmState, nowMs: number): void {
  const free = freeNeighbours(state, nowMs);
  if (free.length === 0) return;
  let outstanding = 0;
  for (const neighbour of state.neighbours.values()) outstanding += neighbour.outstanding;
  for (const { segment, piece } of candidates(state, nowMs)) {
    if (outstanding >= state.constants.maxOutstanding) return;
    const neighbour = choose(state, free, segment, piece);
    if (!neighbour) continue;
    neighbour.outstanding += 1;
    outstanding += 1;
    segment.requests.set(piece, { neighbour: neighbour.id, atMs: nowMs });
    state.actions.push({
      kind: 'request',
      neighbour: neighbour.id,
      segment: segment.number,
      piece,
      deadlineInMs: Math.max(0, deadlineMs(state, segment, nowMs) - nowMs),
    });
    if (!free.some((each) => hasRoom(state, each))) return;
  }
}

/** Takes back what was not answered; gives the time of the next such check. */
export function expireRequests(state: SwarmState, nowMs: number): number {
  const { requestLifetimeMs, silentPeerBanMs } = state.constants;
  let nextMs = Number.POSITIVE_INFINITY;
  for (const segment of state.segments.values()) {
    for (const [piece, request] of [...segment.requests]) {
      const expiresAtMs = request.atMs + requestLifetimeMs;
      if (expiresAtMs > nowMs) {
        nextMs = Math.min(nextMs, expiresAtMs);
        continue;
      }
      cancelRequest(state, segment, piece);
      const neighbour = state.neighbours.get(request.neighbour);
      if (!neighbour) continue;
      neighbour.extra = 0;
      neighbour.unanswered += 1;
      if (neighbour.unanswered < 3) continue;
      neighbour.unanswered = 0;
      neighbour.bannedUntilMs = nowMs + silentPeerBanMs;
    }
  }
  return nextMs;
}

/** A piece has come from a neighbour: what its speed says about how much to ask of it. */
export function rewardSpeed(neighbour: NeighbourState, requestedAtMs: number, nowMs: number): void {
  const tookMs = nowMs - requestedAtMs;
  neighbour.lastGoodMs = nowMs;
  neighbour.unanswered = 0;
  neighbour.receivedCount += 1;
  neighbour.rttMs = Math.min(neighbour.rttMs + 1, tookMs);
  if (tookMs < neighbour.rttMs + 30) neighbour.extra = Math.min(3, neighbour.extra + 0.25);
  else if (tookMs > neighbour.rttMs + 100) neighbour.extra = Math.max(0, neighbour.extra - 0.5);
}

function candidates(state: SwarmState, nowMs: number): Candidate[] {
  const found: Candidate[] = [];
  for (const segment of state.segments.values()) {
    if (segment.have.isFull || !isWanted(state, segment)) continue;
    const leftMs = deadlineMs(state, segment, nowMs) - nowMs;
    const isUrgent = leftMs < state.constants.urgentMs;
    for (let piece = 0; piece < segment.pieceCount; piece += 1) {
      const holders = segment.holders[piece] ?? 0;
      if (holders === 0 || !isMissing(segment, piece)) continue;
      found.push({ segment, piece, holders, isUrgent, tieBreak: state.random() });
    }
  }
  return found.sort(byNeed);
}

function byNeed(a: Candidate, b: Candidate): number {
  if (a.isUrgent !== b.isUrgent) return a.isUrgent ? -1 : 1;
  if (a.isUrgent && a.segment !== b.segment) return a.segment.number - b.segment.number;
  return a.holders - b.holders || a.segment.number - b.segment.number || a.tieBreak - b.tieBreak;
}

function freeNeighbours(state: SwarmState, nowMs: number): NeighbourState[] {
  return [...state.neighbours.values()].filter(
    (each) => !isBanned(each, nowMs) && hasRoom(state, each),
  );
}

function hasRoom(state: SwarmState, neighbour: NeighbourState): boolean {
  const first = Math.ceil(state.constants.firstRequests / Math.max(1, state.neighbours.size));
  return neighbour.outstanding < first + Math.floor(neighbour.extra);
}

/** The least busy neighbour that has the piece, the nearest among equals. */
function choose(
  state: SwarmState,
  free: readonly NeighbourState[],
  segment: SegmentState,
  piece: number,
): NeighbourState | null {
  let best: NeighbourState | null = null;
  let bestCost = Number.POSITIVE_INFINITY;
  for (const neighbour of free) {
    if (!hasRoom(state, neighbour) || !neighbour.has.get(segment.number)?.has(piece)) continue;
    const cost = neighbour.outstanding * 10_000 + neighbour.rttMs + state.random() * 20;
    if (cost < bestCost) {
      best = neighbour;
      bestCost = cost;
    }
  }
  return best;
}
