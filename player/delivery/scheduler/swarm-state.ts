// Everything the scheduler knows: segments with their pieces, neighbours with what they have, its
// own place in the swarm. Plain data; the duties beside this file read and change it.

import { forEachPiece, PieceFlags } from './piece-flags.ts';
import type { RingPosition, SchedulerAction } from './scheduler-actions.ts';
import type { SchedulerConstants } from './scheduler-constants.ts';

export interface PieceRequest {
  readonly neighbour: string;
  readonly atMs: number;
}

/** A slice that this viewer is to fetch at some time unless it comes otherwise. */
export interface FetchDuty {
  readonly slice: number;
  atMs: number;
  readonly isOwn: boolean;
}

export interface SegmentState {
  readonly number: number;
  /** hls.js corrects it when it has seen more of the stream. */
  startSeconds: number;
  readonly pieceCount: number;
  readonly have: PieceFlags;
  /** On their way from the CDN. */
  readonly fetching: PieceFlags;
  /** Asked of neighbours; the same pieces as the keys of `requests`. */
  readonly requested: PieceFlags;
  /** Of those, what takes so long that neighbours are asked as well. */
  readonly late: PieceFlags;
  readonly requests: Map<number, PieceRequest>;
  /** Neighbours that have each piece. */
  readonly holders: Uint16Array;
  /** Pieces that some neighbour has. */
  readonly held: PieceFlags;
  /** When a slice was last heard to be fetched by somebody. */
  readonly claimedAtMs: Float64Array;
  duties: FetchDuty[];
  isDemanded: boolean;
  /** Pieces that came by the hedge. */
  hedgedCount: number;
}

export interface NeighbourState {
  readonly id: string;
  /** The shortest that an answer has taken of late. */
  rttMs: number;
  /** What answers take on the mean, the queue at the neighbour included. */
  tookMs: number;
  outstanding: number;
  /** Requests beyond the first that its speed has earned, 0 to 3. */
  extra: number;
  unanswered: number;
  lastGoodMs: number;
  bannedUntilMs: number;
  receivedCount: number;
  readonly has: Map<number, PieceFlags>;
  /** What it has been told of each segment: pieces and claims. */
  readonly told: Map<number, { pieces: PieceFlags; claims: number }>;
}

/** A piece that a neighbour has asked for. */
export interface UploadRequest {
  readonly neighbour: string;
  readonly segment: number;
  readonly piece: number;
  readonly deadlineMs: number;
  readonly atMs: number;
}

export interface SwarmState {
  readonly viewerId: string;
  readonly constants: SchedulerConstants;
  readonly random: () => number;
  readonly joinedAtMs: number;
  readonly isLive: boolean;
  canUpload: boolean;
  ring: RingPosition | null;
  /** Viewers in the swarm as the tracker says, at least this one. */
  viewerCount: number;
  playheadSeconds: number | null;
  /** When it was there, and whether it has been moving. */
  playheadAtMs: number;
  isPlaying: boolean;
  readonly segments: Map<number, SegmentState>;
  /** Those of them that are not complete. */
  readonly unfinished: Map<number, SegmentState>;
  readonly neighbours: Map<string, NeighbourState>;
  uploads: UploadRequest[];
  isSending: boolean;
  /** Size of what is being sent, since when it is, and how much may be at one time. */
  sendingBytes: number;
  sendingSinceMs: number;
  roomBytes: number;
  /** What this viewer may send at most, in bytes per millisecond; `null` is as much as it can. */
  uploadLimitBytesPerMs: number | null;
  /** What the line has been seen to take, `null` before it was ever busy. */
  uplinkBytesPerMs: number | null;
  /** Since when pieces leave one after the other without a pause, and how much has. */
  busySinceMs: number | null;
  busyBytes: number;
  /** How long a segment plays. */
  segmentDurationMs: number;
  /** Under a limit: when what has been sent is paid for. */
  uploadFreeAtMs: number;
  /** When requests are looked at for those without an answer. */
  expireAtMs: number;
  /** Segments with news for the neighbours, and when news were last told. */
  readonly dirty: Set<number>;
  announcedAtMs: number;
  /** Segments of which it is only news that this viewer fetches them, and until when that may wait. */
  readonly claimed: Map<number, number>;
  /** How late this viewer's timers have been of late, and when that was seen. */
  lateMs: number;
  lateAtMs: number;
  /** How long what has happened since the last run may wait for the next. */
  pauseMs: number;
  /** When the scheduler asked to be run again. */
  plannedAtMs: number;
  /** When pieces came from peers, the last second. */
  readonly receivedAtMs: number[];
  /** When there last were no neighbours and then some. */
  metAtMs: number;
  /** Too much of a segment had to be hedged. */
  needsNeighbours: boolean;
  /** When new neighbours may be asked for again. */
  meetAtMs: number;
  sentCount: number;
  /** Peers have been late: the hedge leaves itself more time. */
  isCareful: boolean;
  /** The last fetch failed: what the hedge asks of the CDN may still come from neighbours. */
  isCdnFailing: boolean;
  cdnFirstByteMs: number;
  cdnBytesPerMs: number;
  readonly pieceSizeBytes: (segment: number) => number;
  actions: SchedulerAction[];
}

export function makeSegmentState(
  number: number,
  startSeconds: number,
  pieceCount: number,
  sliceCount: number,
): SegmentState {
  return {
    number,
    startSeconds,
    pieceCount,
    have: new PieceFlags(pieceCount),
    fetching: new PieceFlags(pieceCount),
    requested: new PieceFlags(pieceCount),
    late: new PieceFlags(pieceCount),
    requests: new Map(),
    holders: new Uint16Array(pieceCount),
    held: new PieceFlags(pieceCount),
    claimedAtMs: new Float64Array(sliceCount).fill(Number.NEGATIVE_INFINITY),
    duties: [],
    isDemanded: false,
    hedgedCount: 0,
  };
}

/** Players report their play head at least this often, or they do not play. */
const maxReportMs = 300;

/** When the play head reaches the segment, by the scheduler's clock. */
export function deadlineMs(state: SwarmState, segment: SegmentState, nowMs: number): number {
  if (state.playheadSeconds === null) return nowMs;
  // It moves on between two reports of the player.
  const movedMs = state.isPlaying ? Math.min(maxReportMs, nowMs - state.playheadAtMs) : 0;
  return nowMs + (segment.startSeconds - state.playheadSeconds) * 1_000 - movedMs;
}

/** First and one-past-last piece of a slice. */
export function sliceRange(
  segment: SegmentState,
  slice: number,
  sliceCount: number,
): [number, number] {
  return [
    Math.floor((slice * segment.pieceCount) / sliceCount),
    Math.floor(((slice + 1) * segment.pieceCount) / sliceCount),
  ];
}

export function isBanned(neighbour: NeighbourState, nowMs: number): boolean {
  return neighbour.bannedUntilMs > nowMs;
}

/** Whether the piece is neither here nor on its way. */
export function isMissing(segment: SegmentState, piece: number): boolean {
  return !segment.have.has(piece) && !segment.fetching.has(piece) && !segment.requested.has(piece);
}

/** A neighbour has these pieces too, or (`change` −1) has them no longer. */
export function countHolder(segment: SegmentState, lo: number, hi: number, change: 1 | -1): void {
  const { holders, held } = segment;
  forEachPiece(lo, hi, (piece) => {
    const count = Math.max(0, (holders[piece] ?? 0) + change);
    holders[piece] = count;
    if (count > 0) held.set(piece);
    else held.clear(piece);
  });
}

/** Whether what a neighbour says it has is believed: it has delivered, and not failed since. */
export function isProven(neighbour: NeighbourState, nowMs: number): boolean {
  return neighbour.receivedCount > 0 && !isBanned(neighbour, nowMs);
}

export function forgetRequest(segment: SegmentState, piece: number): void {
  segment.requests.delete(piece);
  segment.requested.clear(piece);
}

/** Takes a request back from the neighbour that it was made to; it may send the piece all the same. */
export function cancelRequest(state: SwarmState, segment: SegmentState, piece: number): void {
  const request = segment.requests.get(piece);
  if (!request) return;
  forgetRequest(segment, piece);
  const neighbour = state.neighbours.get(request.neighbour);
  if (!neighbour) return;
  neighbour.outstanding = Math.max(0, neighbour.outstanding - 1);
  state.actions.push({ kind: 'cancel', neighbour: neighbour.id, segment: segment.number, piece });
}
