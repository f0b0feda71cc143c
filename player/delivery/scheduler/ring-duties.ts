// Whose turn it is to fetch the slices of a new segment from the CDN: the owner on the ring at
// once, the others staggered behind it. What is due is done by fetch-duties.

import { hash01 } from './cdn-turn.ts';
import { type SegmentState, type SwarmState, sliceRange } from './swarm-state.ts';

/** With less of an uplink than this share of the stream a viewer passes little on in time. */
const weakUplinkShare = 0.3;

/** Sets the duties of a segment that has just been learnt of. */
export function assignDuties(state: SwarmState, segment: SegmentState, nowMs: number): void {
  const { constants } = state;
  if (!state.isLive || !state.canUpload || state.ring?.isSpared === true) return;
  if (isWeak(state, segment)) return;
  // With a place on the ring a newcomer's share is known at once, and nobody else takes it on.
  const settleMs = state.ring ? constants.ringSettleMs : constants.joiningMs;
  if (nowMs - state.joinedAtMs < settleMs) return;
  for (let slice = 0; slice < constants.sliceCount; slice += 1) {
    const [first, end] = sliceRange(segment, slice, constants.sliceCount);
    if (first === end) continue;
    const duty = state.ring ? ringDuty(state, segment, slice) : hashedDuty(state, segment, slice);
    segment.duties.push({ ...duty, slice, atMs: nowMs + duty.atMs });
  }
}

/** What owners fetch the swarm waits for: who is slow to pass it on leaves it to the backups. */
function isWeak(state: SwarmState, segment: SegmentState): boolean {
  const { uplinkBytesPerMs, uploadLimitBytesPerMs } = state;
  const streamBytesPerMs =
    (state.pieceSizeBytes(segment.number) * segment.pieceCount) / state.segmentDurationMs;
  const knownBytesPerMs = Math.min(
    uplinkBytesPerMs ?? Number.POSITIVE_INFINITY,
    uploadLimitBytesPerMs ?? Number.POSITIVE_INFINITY,
  );
  return knownBytesPerMs < weakUplinkShare * streamBytesPerMs;
}

function ringDuty(
  state: SwarmState,
  segment: SegmentState,
  slice: number,
): { atMs: number; isOwn: boolean } {
  const { constants, ring } = state;
  if (!ring) return { atMs: 0, isOwn: true };
  // Side by side on the ring as in the segment: what one viewer owns is one request, or two.
  const place = hash01(`${segment.number}`) + slice / constants.sliceCount;
  const distance = ring.position - place;
  const ahead = distance - Math.floor(distance);
  if (ahead < ring.gap) return { atMs: 0, isOwn: true };
  return {
    atMs: constants.backupDelayMs + ahead * ring.capableCount * constants.backupSpacingMs,
    isOwn: false,
  };
}

/** Without a ring: exponential waiting times, of which the swarm's first is about one spacing. */
function hashedDuty(
  state: SwarmState,
  segment: SegmentState,
  slice: number,
): { atMs: number; isOwn: boolean } {
  const viewers = Math.max(state.viewerCount, state.neighbours.size + 1);
  const u = hash01(`${state.viewerId}:${segment.number}:${slice}`);
  return { atMs: -Math.log(1 - u) * viewers * state.constants.backupSpacingMs, isOwn: false };
}
