// One viewer of a simulated swarm: the real scheduler, a line, a play head. Plain state; the
// simulator moves it.

import { CdnSpeedMeter } from '../../player/delivery/scheduler/cdn-speed.ts';
import { PieceFlags } from '../../player/delivery/scheduler/piece-flags.ts';
import type { SwarmScheduler } from '../../player/delivery/scheduler/swarm-scheduler.ts';
import type { Behaviour, ViewerProfile } from './swarm-model.ts';

export interface SimulatedViewerOptions {
  readonly id: string;
  readonly index: number;
  readonly profile: ViewerProfile;
  readonly scheduler: SwarmScheduler;
  readonly joinedAtMs: number;
}

/** As in the exchange. */
const settleMs = 5_000;
/** Hidden tabs are woken by their timers only this often. */
const hiddenWakeMs = 1_000;
const hiddenCycleMs = 30_000;
const hiddenMs = 10_000;

export class SimulatedViewer {
  readonly id: string;
  readonly index: number;
  readonly behaviour: Behaviour;
  readonly scheduler: SwarmScheduler;
  readonly cdn = new CdnSpeedMeter();
  readonly joinedAtMs: number;
  readonly uplinkBytesPerMs: number;
  /** One-way delays to its neighbours. */
  readonly neighbours = new Map<string, number>();
  readonly bannedUntilMs = new Map<string, number>();
  /** What has arrived of the segments that are not played yet, and of some that are. */
  readonly segments = new Map<number, PieceFlags>();
  isThere = true;
  /** When the line is free for the next piece; control messages wait for it as a debt. */
  uplinkFreeAtMs = 0;
  uplinkDebtBytes = 0;
  downlinkFreeAtMs = 0;
  uploadedBytes = 0;
  /** Next run of the scheduler. */
  wakeAtMs = Number.POSITIVE_INFINITY;
  isRefreshPlanned = false;
  /** What it says of its line. */
  isStrong = false;
  #toldStrongAtMs = Number.NEGATIVE_INFINITY;
  /** It has asked for more neighbours than most. */
  isInNeed = false;
  /** The segment that the play head reaches next. */
  nextNumber = 0;
  /** Position zero was, or would have been, on screen at this time; later after each stall. */
  playbackOriginMs = Number.POSITIVE_INFINITY;
  /** When it began to wait for `nextNumber`. */
  stalledAtMs: number | null = null;

  constructor({ id, index, profile, scheduler, joinedAtMs }: SimulatedViewerOptions) {
    this.id = id;
    this.index = index;
    this.behaviour = profile.behaviour ?? 'honest';
    this.scheduler = scheduler;
    this.joinedAtMs = joinedAtMs;
    this.uplinkBytesPerMs = profile.uplinkBps / 8_000;
  }

  get isCheat(): boolean {
    return this.behaviour !== 'honest' && this.behaviour !== 'sleeper';
  }

  /** Pieces of this viewer reach others as they are. */
  get servesTruly(): boolean {
    return (
      this.behaviour === 'honest' || this.behaviour === 'sleeper' || this.behaviour === 'claimer'
    );
  }

  isComplete(number: number): boolean {
    return this.segments.get(number)?.isFull === true;
  }

  /** As piece-links.ts: who has a line to spare accepts more. */
  mostAccepted(maxNeighbours: number): number {
    return (this.isStrong ? 2.5 : 1) * maxNeighbours;
  }

  /** As piece-links.ts; in how many milliseconds the tracker is to be told, perhaps twice. */
  noteStrength(nowMs: number): readonly number[] {
    if (this.isStrong === this.scheduler.hasRoom) return [];
    this.isStrong = this.scheduler.hasRoom;
    if (nowMs < this.#toldStrongAtMs + settleMs) return [];
    this.#toldStrongAtMs = nowMs;
    return [0, settleMs];
  }

  positionSeconds(nowMs: number): number | null {
    if (this.playbackOriginMs === Number.POSITIVE_INFINITY) return null;
    return ((this.stalledAtMs ?? nowMs) - this.playbackOriginMs) / 1_000;
  }

  /** When a timer that is set for `atMs` runs. */
  timerAtMs(atMs: number): number {
    if (this.behaviour !== 'sleeper') return atMs;
    const phaseMs = (atMs + this.index * 7_919) % hiddenCycleMs;
    return phaseMs < hiddenMs ? Math.ceil(atMs / hiddenWakeMs) * hiddenWakeMs : atMs;
  }

  track(number: number, pieceCount: number): void {
    if (!this.segments.has(number)) this.segments.set(number, new PieceFlags(pieceCount));
  }
}
