// The heart of Shoal's own exchange: a state machine, events in, actions out, clock and chance
// given. The same code decides in browsers, in headless viewers and in the simulator.

import { announce, tellAll } from './announcements.ts';
import { runDuties } from './fetch-duties.ts';
import { fetchPieces, isWanted } from './fetch-pieces.ts';
import { notePlan, noteRun } from './lateness.ts';
import { hasUplinkToSpare, meetWhenNeeded } from './neighbour-need.ts';
import { PieceFlags } from './piece-flags.ts';
import { canAsk, expireRequests, planRequests, rewardSpeed } from './piece-requests.ts';
import { noteReceived } from './received-rate.ts';
import { assignDuties } from './ring-duties.ts';
import type { RingPosition, SchedulerAction } from './scheduler-actions.ts';
import type { SchedulerConstants } from './scheduler-constants.ts';
import {
  cancelRequest,
  countHolder,
  forgetRequest,
  isBanned,
  makeSegmentState,
  type NeighbourState,
  type SegmentState,
  type SwarmState,
  sliceRange,
} from './swarm-state.ts';
import { observeSent } from './uplink-estimate.ts';
import { cancelUpload, canServe, enqueueUpload, leastRoomBytes, sendNext } from './uploads.ts';
import { runAtOnce, runSoon, runToTell } from './urgency.ts';

export interface SwarmSchedulerOptions {
  readonly viewerId: string;
  readonly isLive: boolean;
  readonly canUpload: boolean;
  readonly constants: SchedulerConstants;
  /** The target duration. */
  readonly segmentDurationMs: number;
  readonly nowMs: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** A segment as the scheduler needs to know it. */
export interface ScheduledSegment {
  readonly number: number;
  readonly startSeconds: number;
  readonly pieceCount: number;
  readonly pieceSizeBytes: number;
}

/** Segments of which a neighbour's pieces are remembered: a live window and what comes next. */
const maxTrackedSegments = 128;
/** Who has just come is still meeting the neighbours that it was introduced to. */
const leastStayMs = 5_000;
const initialRttMs = 50;
/** A play head that moves further between two reports has been moved. */
const mostPlayedSeconds = 2;
/** And one that is further than expected by this comes to segments before their time. */
const mostAheadSeconds = 0.1;
/** One that has not moved for this long stands still. */
const stillMs = 400;
/** Assumed of the CDN before the first fetch. */
const initialFirstByteMs = 100;
const initialBytesPerMs = 1_000;

export class SwarmScheduler {
  readonly #state: SwarmState;
  readonly #pieceSizes = new Map<number, number>();

  constructor(options: SwarmSchedulerOptions) {
    this.#state = {
      viewerId: options.viewerId,
      constants: options.constants,
      random: options.random,
      joinedAtMs: options.nowMs,
      isLive: options.isLive,
      canUpload: options.canUpload,
      ring: null,
      viewerCount: 1,
      playheadSeconds: null,
      playheadAtMs: options.nowMs,
      isPlaying: false,
      segments: new Map(),
      unfinished: new Map(),
      neighbours: new Map(),
      uploads: [],
      isSending: false,
      sendingBytes: 0,
      sendingSinceMs: 0,
      roomBytes: leastRoomBytes,
      uploadLimitBytesPerMs: null,
      uplinkBytesPerMs: null,
      busySinceMs: null,
      busyBytes: 0,
      segmentDurationMs: options.segmentDurationMs,
      uploadFreeAtMs: 0,
      dirty: new Set(),
      announcedAtMs: Number.NEGATIVE_INFINITY,
      claimed: new Map(),
      expireAtMs: 0,
      lateMs: 0,
      lateAtMs: options.nowMs,
      pauseMs: 0,
      plannedAtMs: Number.POSITIVE_INFINITY,
      receivedAtMs: [],
      metAtMs: options.nowMs,
      needsNeighbours: false,
      meetAtMs: options.nowMs + leastStayMs,
      sentCount: 0,
      isCareful: false,
      isCdnFailing: false,
      cdnFirstByteMs: initialFirstByteMs,
      cdnBytesPerMs: initialBytesPerMs,
      pieceSizeBytes: (segment) => this.#pieceSizes.get(segment) ?? 0,
      actions: [],
    };
  }

  /** Its line has room for more neighbours than most have. */
  get hasRoom(): boolean {
    return hasUplinkToSpare(this.#state);
  }

  /** How long what has happened since the last run may wait; infinite when nothing follows from it. */
  get pauseMs(): number {
    return this.#state.pauseMs;
  }

  /** What is to be sent next, or the pace of the line, depends on when the piece under way has left. */
  get awaitsSent(): boolean {
    return this.#state.busySinceMs !== null || canServe(this.#state);
  }

  /** Does what is due and gives everything that is to be done now, and when to ask again. */
  run(nowMs: number): { readonly actions: readonly SchedulerAction[]; readonly nextMs: number } {
    const state = this.#state;
    state.pauseMs = Number.POSITIVE_INFINITY;
    noteRun(state, nowMs);
    expireRequests(state, nowMs);
    const dutyMs = runDuties(state, nowMs);
    planRequests(state, nowMs);
    meetWhenNeeded(state, nowMs);
    const sendMs = sendNext(state, nowMs);
    const announceMs = announce(state, nowMs);
    const { actions } = state;
    state.actions = [];
    const plannedMs = Math.min(state.expireAtMs, dutyMs, sendMs, announceMs);
    notePlan(state, nowMs, plannedMs);
    return { actions, nextMs: plannedMs };
  }

  /** The tracker's word on this viewer's place and on the swarm's size. */
  setRing(ring: RingPosition | null, viewerCount: number): void {
    this.#state.ring = ring;
    this.#state.viewerCount = Math.max(1, viewerCount);
  }

  /** Whether this viewer sends pieces; while it does not it owns no slices either. */
  setCanUpload(canUpload: boolean, nowMs: number): void {
    const state = this.#state;
    if (state.canUpload === canUpload) return;
    state.canUpload = canUpload;
    runAtOnce(state);
    if (!canUpload) state.uploads = [];
    for (const neighbour of state.neighbours.values()) {
      neighbour.told.clear();
      if (canUpload) tellAll(state, neighbour, nowMs);
    }
  }

  /** What this viewer may send at most; may be changed at any time. `null`: no limit. */
  setUploadLimit(bitsPerSecond: number | null): void {
    this.#state.uploadLimitBytesPerMs =
      bitsPerSecond === null ? null : Math.max(1, bitsPerSecond) / 8_000;
    this.#state.uploadFreeAtMs = 0;
    runAtOnce(this.#state);
  }

  /** While careful, this viewer asks the CDN earlier for what peers owe it. */
  setCareful(isCareful: boolean): void {
    if (this.#state.isCareful === isCareful) return;
    this.#state.isCareful = isCareful;
    runAtOnce(this.#state);
  }

  /** A neighbour has ceased to send pieces, or sends again and will tell what it has. */
  neighbourCanUpload(id: string, canUpload: boolean): void {
    const { neighbours, segments } = this.#state;
    const neighbour = neighbours.get(id);
    if (!neighbour || canUpload) return;
    for (const segment of segments.values()) {
      releaseNeighbour(segment, neighbour);
    }
    neighbour.has.clear();
    neighbour.outstanding = 0;
  }

  /** This viewer's own measurements of the CDN, pessimistic. */
  setCdnSpeed(firstByteMs: number, bytesPerMs: number): void {
    this.#state.cdnFirstByteMs = firstByteMs;
    this.#state.cdnBytesPerMs = Math.max(1, bytesPerMs);
  }

  setPlayhead(positionSeconds: number, nowMs: number): void {
    const state = this.#state;
    const before = state.playheadSeconds;
    if (isAheadOfPlan(state, positionSeconds, nowMs)) runAtOnce(state);
    if (before !== null && positionSeconds !== before) {
      const jumpSeconds = Math.abs(positionSeconds - before);
      state.isPlaying = positionSeconds > before && jumpSeconds < mostPlayedSeconds;
    } else if (before !== null && nowMs - state.playheadAtMs > stillMs) state.isPlaying = false;
    else if (before !== null) return;
    state.playheadSeconds = positionSeconds;
    state.playheadAtMs = nowMs;
  }

  /** A segment is in the playlist. @param isFromBeforeJoining others have long fetched it */
  addSegment(segment: ScheduledSegment, isFromBeforeJoining: boolean, nowMs: number): void {
    const { segments, neighbours, constants } = this.#state;
    const known = segments.get(segment.number);
    if (known) {
      known.startSeconds = segment.startSeconds;
      return;
    }
    const added = makeSegmentState(
      segment.number,
      segment.startSeconds,
      segment.pieceCount,
      constants.sliceCount,
    );
    segments.set(segment.number, added);
    this.#state.unfinished.set(segment.number, added);
    this.#pieceSizes.set(segment.number, segment.pieceSizeBytes);
    for (const neighbour of neighbours.values()) {
      const has = neighbour.has.get(segment.number);
      if (has && has.length !== segment.pieceCount) neighbour.has.delete(segment.number);
      else if (has) countHolder(added, has.lo, has.hi, 1);
    }
    if (!isFromBeforeJoining) assignDuties(this.#state, added, nowMs);
    runAtOnce(this.#state);
  }

  removeSegment(number: number): void {
    const { segments, neighbours } = this.#state;
    const segment = segments.get(number);
    if (!segment) return;
    for (const piece of [...segment.requests.keys()]) cancelRequest(this.#state, segment, piece);
    runSoon(this.#state);
    segments.delete(number);
    this.#state.unfinished.delete(number);
    this.#pieceSizes.delete(number);
    for (const neighbour of neighbours.values()) {
      neighbour.has.delete(number);
      neighbour.told.delete(number);
    }
    this.#state.uploads = this.#state.uploads.filter((each) => each.segment !== number);
  }

  /**
   * The player waits for the segment.
   * @param isStart nothing is buffered: it comes from the CDN at once
   * @param expectsNeighbours they are being met: until the hedge they may still deliver
   */
  demand(number: number, isStart: boolean, expectsNeighbours: boolean): void {
    const segment = this.#state.segments.get(number);
    if (!segment || segment.have.isFull) return;
    segment.isDemanded = true;
    runAtOnce(this.#state);
    if (isStart) this.#fetchMissing(segment, 'start');
    else if (this.#state.neighbours.size === 0 && !expectsNeighbours)
      this.#fetchMissing(segment, 'alone');
  }

  endDemand(number: number): void {
    const segment = this.#state.segments.get(number);
    if (segment) segment.isDemanded = false;
  }

  neighbourJoined(id: string, nowMs: number): void {
    const neighbour: NeighbourState = {
      id,
      rttMs: initialRttMs,
      tookMs: initialRttMs,
      outstanding: 0,
      extra: 0,
      unanswered: 0,
      lastGoodMs: Number.NEGATIVE_INFINITY,
      bannedUntilMs: 0,
      receivedCount: 0,
      has: new Map(),
      told: new Map(),
    };
    if (this.#state.neighbours.size === 0) this.#state.metAtMs = nowMs;
    this.#state.neighbours.set(id, neighbour);
    tellAll(this.#state, neighbour, nowMs);
    runAtOnce(this.#state);
  }

  neighbourLeft(id: string): void {
    const { neighbours, segments } = this.#state;
    const neighbour = neighbours.get(id);
    if (!neighbour) return;
    neighbours.delete(id);
    for (const segment of segments.values()) {
      releaseNeighbour(segment, neighbour);
    }
    this.#state.uploads = this.#state.uploads.filter((each) => each.neighbour !== id);
    runAtOnce(this.#state);
  }

  /** A neighbour tells what it has and who fetches; segments that are not known yet are kept. */
  have(
    id: string,
    number: number,
    bits: Uint8Array,
    pieceCount: number,
    claims: number,
    nowMs: number,
  ): void {
    const { neighbours, segments, constants, dirty } = this.#state;
    const neighbour = neighbours.get(id);
    if (!neighbour) return;
    const segment = segments.get(number);
    if (segment && segment.pieceCount !== pieceCount) return;
    // Of what is not in the playlist yet a little is kept; numbers without end are an attack.
    if (!segment && !neighbour.has.has(number) && neighbour.has.size >= maxTrackedSegments) return;
    const news = PieceFlags.fromBits(bits, pieceCount);
    const has = neighbour.has.get(number) ?? new PieceFlags(pieceCount);
    if (has.length !== pieceCount) return;
    if (segment) {
      countHolder(segment, news.lo & ~has.lo, news.hi & ~has.hi, 1);
      if (canUseOf(segment, news)) runSoon(this.#state);
    }
    has.addAll(news);
    neighbour.has.set(number, has);
    if (!segment || isBanned(neighbour, nowMs)) return;
    for (let slice = 0; slice < constants.sliceCount; slice += 1) {
      if (((claims >> slice) & 1) === 0) continue;
      const known = segment.claimedAtMs[slice] ?? Number.NEGATIVE_INFINITY;
      if (nowMs - known < constants.claimLifetimeMs) continue;
      segment.claimedAtMs[slice] = nowMs;
      dirty.add(number);
      runToTell(this.#state, nowMs);
    }
  }

  /** `false` when the neighbour asks for more than anybody may. */
  requested(
    id: string,
    number: number,
    piece: number,
    deadlineInMs: number,
    nowMs: number,
  ): boolean {
    const state = this.#state;
    // What is not here yet, or cannot leave yet, waits in the queue.
    if (!state.isSending && state.segments.get(number)?.have.has(piece)) runAtOnce(state);
    return enqueueUpload(state, {
      neighbour: id,
      segment: number,
      piece,
      deadlineMs: nowMs + deadlineInMs,
      atMs: nowMs,
    });
  }

  cancelled(id: string, number: number, piece: number): void {
    cancelUpload(this.#state, id, number, piece);
  }

  /** A verified piece came from a neighbour; `false` when it was here already. */
  pieceReceived(id: string, number: number, piece: number, nowMs: number): boolean {
    const segment = this.#state.segments.get(number);
    const neighbour = this.#state.neighbours.get(id);
    const request = segment?.requests.get(piece);
    if (segment && neighbour && request?.neighbour === id) {
      forgetRequest(segment, piece);
      neighbour.outstanding = Math.max(0, neighbour.outstanding - 1);
      rewardSpeed(neighbour, request.atMs, nowMs);
      noteReceived(this.#state, nowMs);
    }
    return this.#store(number, piece, nowMs);
  }

  /** A piece came from the CDN and is right; `false` when it was here already. */
  pieceFetched(number: number, piece: number, nowMs: number): boolean {
    const segment = this.#state.segments.get(number);
    segment?.fetching.clear(piece);
    segment?.late.clear(piece);
    this.#state.isCdnFailing = false;
    return this.#store(number, piece, nowMs);
  }

  /** A fetch takes far longer than it should: it goes on, but neighbours are asked too. */
  fetchLate(number: number, firstPiece: number, lastPiece: number): void {
    const segment = this.#state.segments.get(number);
    if (!segment) return;
    for (let piece = firstPiece; piece <= lastPiece; piece += 1)
      if (segment.fetching.has(piece)) segment.late.set(piece);
    runAtOnce(this.#state);
  }

  /** The CDN refused, broke off or sent what is wrong. */
  cdnFailed(): void {
    this.#state.isCdnFailing = true;
  }

  /** The CDN did not deliver these: they are missing again, and a duty looks after them later. */
  fetchFailed(number: number, firstPiece: number, lastPiece: number, retryAtMs: number): void {
    const segment = this.#state.segments.get(number);
    if (!segment) return;
    const { sliceCount } = this.#state.constants;
    for (let piece = firstPiece; piece <= lastPiece; piece += 1) {
      segment.fetching.clear(piece);
      segment.late.clear(piece);
    }
    for (let slice = 0; slice < sliceCount; slice += 1) {
      const [first, end] = sliceRange(segment, slice, sliceCount);
      if (end > firstPiece && first <= lastPiece)
        segment.duties.push({ slice, atMs: retryAtMs, isOwn: true });
    }
    runAtOnce(this.#state);
  }

  /** A neighbour sent what does not match its digest. */
  lied(id: string, nowMs: number): void {
    const neighbour = this.#state.neighbours.get(id);
    if (!neighbour) return;
    const { lyingPeerBanMs } = this.#state.constants;
    neighbour.bannedUntilMs = nowMs + lyingPeerBanMs;
    for (const segment of this.#state.segments.values()) {
      for (const [piece, request] of [...segment.requests]) {
        if (request.neighbour === id) cancelRequest(this.#state, segment, piece);
      }
    }
    this.#state.actions.push({ kind: 'drop', neighbour: id, banMs: lyingPeerBanMs });
    runAtOnce(this.#state);
  }

  /** The piece that was being sent has left. */
  sent(nowMs: number): void {
    this.#state.isSending = false;
    observeSent(this.#state, nowMs);
    if (canServe(this.#state)) runAtOnce(this.#state);
  }

  #store(number: number, piece: number, nowMs: number): boolean {
    const segment = this.#state.segments.get(number);
    if (!segment?.have.set(piece)) return false;
    if (segment.have.isFull) this.#state.unfinished.delete(number);
    cancelRequest(this.#state, segment, piece);
    this.#state.dirty.add(number);
    if (isAwaited(this.#state, number, piece)) runAtOnce(this.#state);
    else if (canAsk(this.#state)) runSoon(this.#state);
    else runToTell(this.#state, nowMs);
    return true;
  }

  #fetchMissing(segment: SegmentState, reason: 'start' | 'alone'): void {
    const missing: number[] = [];
    for (let piece = 0; piece < segment.pieceCount; piece += 1) {
      if (segment.have.has(piece) || segment.fetching.has(piece)) continue;
      cancelRequest(this.#state, segment, piece);
      missing.push(piece);
    }
    if (isWanted(this.#state, segment)) fetchPieces(this.#state, segment, missing, reason);
  }
}

/** Further than it would be by now if it had gone on as before: what was planned may be too late. */
function isAheadOfPlan(state: SwarmState, positionSeconds: number, nowMs: number): boolean {
  if (state.playheadSeconds === null) return true;
  const passedSeconds = state.isPlaying ? (nowMs - state.playheadAtMs) / 1_000 : 0;
  const aheadSeconds = positionSeconds - state.playheadSeconds - passedSeconds;
  return aheadSeconds > mostAheadSeconds || aheadSeconds < -mostPlayedSeconds;
}

/** Some of it is missing here, and nobody was asked for it. */
function canUseOf({ have, fetching, late, requested }: SegmentState, news: PieceFlags): boolean {
  const lo = news.lo & ~(have.lo | (fetching.lo & ~late.lo) | requested.lo);
  const hi = news.hi & ~(have.hi | (fetching.hi & ~late.hi) | requested.hi);
  return (lo | hi) !== 0;
}

/** The line is free for it, and a neighbour waits for it. */
function isAwaited({ isSending, uploads }: SwarmState, segment: number, piece: number): boolean {
  if (isSending) return false;
  return uploads.some((each) => each.segment === segment && each.piece === piece);
}

/** What only this neighbour had is not to be had any more, what it was asked for is missing. */
function releaseNeighbour(segment: SegmentState, neighbour: NeighbourState): void {
  const has = neighbour.has.get(segment.number);
  if (has) countHolder(segment, has.lo, has.hi, -1);
  for (const [piece, request] of segment.requests) {
    if (request.neighbour === neighbour.id) forgetRequest(segment, piece);
  }
}
