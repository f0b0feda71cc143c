// A swarm in simulated time: the real scheduler of every viewer over a model of lines, delays and
// the CDN (swarm-model.ts). Deterministic by its seed.

import { pieceCount, pieceSizeBytes } from '@shoal/ingest/protocol';
import type { Parcel, SchedulerAction } from '../../player/delivery/scheduler/scheduler-actions.ts';
import { schedulerConstants } from '../../player/delivery/scheduler/scheduler-constants.ts';
import { SwarmScheduler } from '../../player/delivery/scheduler/swarm-scheduler.ts';
import { EventQueue } from './event-queue.ts';
import { randomOf } from './random.ts';
import { SimulatedTracker } from './simulated-tracker.ts';
import { SimulatedViewer } from './simulated-viewer.ts';
import { type SwarmModel, vanishedAfterMs } from './swarm-model.ts';
import { OutcomeRecorder, type SwarmOutcome } from './swarm-outcome.ts';

type Action<Kind extends SchedulerAction['kind']> = Extract<SchedulerAction, { kind: Kind }>;

/** As in the exchange: one piece may wait while the one before is on the line. */
const maxBufferedBytes = 20 * 1024;
/** Segments that are kept behind the play head. */
const keptSegments = 6;
/** The swarm begins a little after zero, so that nothing lies in negative time. */
const startMs = 10_000;
const claimOfAllSlices = 0x3ff;
const lyingBits = new Uint8Array(8).fill(0xff);
const ringRefreshMs = 700;
const announceMs = 20_000;
const fastAnnounceMs = 7_000;
const enoughPeers = 8;
const offersPerAnnounce = 5;
/** Who is in need has so many more neighbours. */
const needyFactor = 1.5;

export class SwarmSimulator {
  readonly #model: SwarmModel;
  readonly #queue: EventQueue;
  readonly #random: () => number;
  readonly #tracker: SimulatedTracker;
  readonly #recorder: OutcomeRecorder;
  readonly #viewers: SimulatedViewer[] = [];
  readonly #byId = new Map<string, SimulatedViewer>();
  readonly #pieceCount: number;
  readonly #pieceBytes: number;
  readonly #segmentBytes: number;
  readonly #fromMs: number;
  readonly #untilMs: number;
  #lastNumber = -1;

  constructor(model: SwarmModel) {
    this.#model = model;
    this.#random = randomOf(model.seed);
    this.#queue = new EventQueue(Math.min(64, Math.ceil(model.viewerCount / 50)));
    this.#tracker = new SimulatedTracker(model, this.#random);
    this.#segmentBytes = Math.round((model.bitrateBps * model.targetDurationMs) / 8_000);
    this.#pieceCount = pieceCount(this.#segmentBytes);
    this.#pieceBytes = pieceSizeBytes(this.#segmentBytes);
    this.#fromMs = this.#publishedAtMs(model.warmUpSegments);
    this.#untilMs = this.#publishedAtMs(model.warmUpSegments + model.measuredSegments);
    this.#recorder = new OutcomeRecorder({
      segmentBytes: this.#segmentBytes,
      targetDurationMs: model.targetDurationMs,
      fromMs: this.#fromMs,
      untilMs: this.#untilMs,
    });
  }

  run(): SwarmOutcome {
    for (let index = 0; index < this.#model.viewerCount; index += 1) this.#addLongThere();
    this.#connectAll();
    this.#planPublications();
    this.#planChurn();
    for (let index = 0; index < this.#model.crowd; index += 1)
      this.#queue.plan(this.#fromMs + this.#random() * 2_000, () => this.#join());
    this.#queue.runUntil(this.#untilMs);
    for (const viewer of this.#viewers)
      if (viewer.isThere) this.#recorder.present(viewer.joinedAtMs, this.#untilMs, viewer.isCheat);
    const there = this.#viewers.filter(({ isThere }) => isThere);
    const streamBytesPerMs = this.#model.bitrateBps / 8_000;
    const uplinks = there.reduce(
      (sum, each) => sum + (each.servesTruly ? each.uplinkBytesPerMs : 0),
      0,
    );
    const fair = there.filter(
      (each) => each.joinedAtMs < this.#fromMs && each.servesTruly && each.uplinkBytesPerMs > 0,
    );
    return this.#recorder.summary(
      uplinks / there.length / streamBytesPerMs,
      fair.map(({ uploadedBytes }) => uploadedBytes),
      this.#queue.plannedCount,
    );
  }

  #publishedAtMs(number: number): number {
    return startMs + (number + 1) * this.#model.targetDurationMs;
  }

  #planPublications(): void {
    const { warmUpSegments, measuredSegments } = this.#model;
    for (let number = 0; number < warmUpSegments + measuredSegments; number += 1) {
      this.#queue.plan(this.#publishedAtMs(number), () => {
        this.#lastNumber = number;
        for (const viewer of this.#viewers) {
          if (!viewer.isThere) continue;
          this.#queue.plan(this.#queue.nowMs + 20 + this.#random() * 80, () =>
            this.#see(viewer, number, false),
          );
        }
      });
    }
  }

  #planChurn(): void {
    const { churnMs } = this.#model;
    if (churnMs === null) return;
    for (let atMs = startMs + churnMs; atMs < this.#untilMs; atMs += churnMs)
      this.#queue.plan(atMs, () => {
        const leaving = this.#tracker.anybody();
        if (leaving) this.#leave(leaving);
        this.#join();
      });
  }

  #addViewer(joinedAtMs: number): SimulatedViewer {
    const index = this.#viewers.length;
    const profile = this.#model.profileOf(index, this.#random);
    const canUpload = profile.uplinkBps > 0;
    const id = `-SH010${canUpload ? 1 : 0}-${String(index).padStart(12, '0')}`;
    const { latencyMs, targetDurationMs } = this.#model;
    const scheduler = new SwarmScheduler({
      viewerId: id,
      isLive: true,
      canUpload,
      constants: schedulerConstants(latencyMs - targetDurationMs),
      segmentDurationMs: targetDurationMs,
      nowMs: joinedAtMs,
      random: this.#random,
    });
    const viewer = new SimulatedViewer({ id, index, profile, scheduler, joinedAtMs });
    this.#viewers.push(viewer);
    this.#byId.set(id, viewer);
    this.#tracker.join(viewer);
    return viewer;
  }

  /** One who has been watching for a minute. */
  #addLongThere(): void {
    const viewer = this.#addViewer(startMs - 60_000);
    const { latencyMs, targetDurationMs } = this.#model;
    viewer.playbackOriginMs = startMs + latencyMs + this.#random() * targetDurationMs;
    this.#planDeadline(viewer);
    this.#planAnnounce(viewer, this.#random() * announceMs);
  }

  #connectAll(): void {
    for (let round = 0; round < 3; round += 1) {
      for (const viewer of this.#viewers) {
        const wanted = round === 0 ? Math.ceil(this.#model.degree / 2) : this.#model.degree;
        const missing = wanted - viewer.neighbours.size;
        if (round === 0 || missing > 2) this.#dial(viewer, round === 0 ? wanted : missing, 0);
      }
    }
    for (const viewer of this.#viewers) this.#askRing(viewer);
  }

  /** In mid-stream: the first segment at once, neighbours a little later. */
  #join(): void {
    const viewer = this.#addViewer(this.#queue.nowMs);
    viewer.nextNumber = Math.max(0, this.#lastNumber - 2);
    for (let number = viewer.nextNumber; number <= this.#lastNumber; number += 1)
      this.#see(viewer, number, true);
    viewer.scheduler.demand(viewer.nextNumber, true, true);
    this.#wake(viewer);
    this.#queue.plan(this.#queue.nowMs + 100, () => this.#askRing(viewer));
    this.#planAnnounce(viewer, 100);
  }

  #leave(viewer: SimulatedViewer): void {
    viewer.isThere = false;
    this.#recorder.present(viewer.joinedAtMs, this.#queue.nowMs, viewer.isCheat);
    const noticedAtMs = this.#queue.nowMs + (this.#model.saysGoodbye ? 0 : vanishedAfterMs);
    this.#queue.plan(noticedAtMs, () => this.#tracker.leave(viewer));
    for (const [id, delayMs] of viewer.neighbours) {
      const other = this.#byId.get(id);
      if (other) this.#queue.plan(noticedAtMs + delayMs, () => this.#unlink(other, viewer));
    }
  }

  #planAnnounce(viewer: SimulatedViewer, inMs: number): void {
    this.#queue.plan(this.#queue.nowMs + inMs, () => {
      if (!viewer.isThere) return;
      this.#askRing(viewer);
      // As piece-links.ts: no more offers than connections are missing.
      const others = this.#tracker.viewerCount - 1;
      const { degree, maxNeighbours } = this.#model;
      const wanted = viewer.isInNeed ? needyFactor * maxNeighbours : degree;
      const missing = Math.min(wanted, others) - viewer.neighbours.size;
      if (missing > 0)
        this.#dial(viewer, Math.min(offersPerAnnounce, missing + 1), 300 + this.#random() * 500);
      const isFew = viewer.neighbours.size < Math.min(enoughPeers, others);
      this.#planAnnounce(viewer, isFew ? fastAnnounceMs : announceMs);
    });
  }

  #askRing(viewer: SimulatedViewer): void {
    this.#tracker.tell(viewer);
    viewer.scheduler.setRing(this.#tracker.ringOf(viewer), this.#tracker.viewerCount);
  }

  #dial(viewer: SimulatedViewer, count: number, inMs: number): void {
    for (const { other, delayMs } of this.#tracker.introduce(viewer, count)) {
      if (inMs === 0) this.#link(viewer, other, delayMs);
      else this.#queue.plan(this.#queue.nowMs + inMs, () => this.#link(viewer, other, delayMs));
    }
  }

  #link(viewer: SimulatedViewer, other: SimulatedViewer, delayMs: number): void {
    const nowMs = this.#queue.nowMs;
    if (!viewer.isThere || !other.isThere || viewer.neighbours.has(other.id)) return;
    const { maxNeighbours } = this.#model;
    // As piece-links.ts: who is in need dials more, who has a line to spare accepts more.
    if (viewer.neighbours.size >= (viewer.isInNeed ? needyFactor : 1) * maxNeighbours) return;
    if (other.neighbours.size >= other.mostAccepted(maxNeighbours)) return;
    for (const [one, two] of [
      [viewer, other],
      [other, viewer],
    ] as const) {
      if ((one.bannedUntilMs.get(two.id) ?? 0) > nowMs) return;
    }
    for (const [one, two] of [
      [viewer, other],
      [other, viewer],
    ] as const) {
      one.neighbours.set(two.id, delayMs);
      one.scheduler.neighbourJoined(two.id, nowMs);
      this.#refreshSoon(one);
      this.#wake(one);
    }
  }

  #unlink(viewer: SimulatedViewer, other: SimulatedViewer): void {
    if (!viewer.neighbours.delete(other.id) || !viewer.isThere) return;
    viewer.scheduler.neighbourLeft(other.id);
    this.#refreshSoon(viewer);
    this.#wake(viewer);
  }

  #refreshSoon(viewer: SimulatedViewer): void {
    if (viewer.isRefreshPlanned) return;
    viewer.isRefreshPlanned = true;
    this.#queue.plan(this.#queue.nowMs + ringRefreshMs, () => {
      viewer.isRefreshPlanned = false;
      if (viewer.isThere) this.#askRing(viewer);
    });
  }

  #see(viewer: SimulatedViewer, number: number, isFromBeforeJoining: boolean): void {
    if (!viewer.isThere || viewer.segments.has(number)) return;
    viewer.track(number, this.#pieceCount);
    viewer.scheduler.addSegment(
      {
        number,
        startSeconds: (number * this.#model.targetDurationMs) / 1_000,
        pieceCount: this.#pieceCount,
        pieceSizeBytes: this.#pieceBytes,
      },
      isFromBeforeJoining,
      this.#queue.nowMs,
    );
    if (viewer.behaviour === 'liar' || viewer.behaviour === 'claimer') this.#cheat(viewer, number);
    if (number === viewer.nextNumber && viewer.stalledAtMs !== null) this.#demandNext(viewer);
    this.#wake(viewer);
  }

  /** Says at once what a liar or a claimer says. */
  #cheat(viewer: SimulatedViewer, number: number): void {
    const isLiar = viewer.behaviour === 'liar';
    for (const neighbour of viewer.neighbours.keys()) {
      this.#tell(viewer, {
        kind: 'have',
        neighbour,
        segment: number,
        bits: isLiar ? lyingBits : new Uint8Array(8),
        claims: isLiar ? 0 : claimOfAllSlices,
      });
    }
  }

  #planDeadline(viewer: SimulatedViewer): void {
    const atMs = viewer.playbackOriginMs + viewer.nextNumber * this.#model.targetDurationMs;
    this.#queue.plan(atMs, () => this.#playNext(viewer));
  }

  /** The play head has come to the end of what it played. */
  #playNext(viewer: SimulatedViewer): void {
    if (!viewer.isThere) return;
    if (!viewer.isComplete(viewer.nextNumber)) {
      viewer.stalledAtMs = this.#queue.nowMs;
      this.#demandNext(viewer);
      return;
    }
    const old = viewer.nextNumber - keptSegments;
    viewer.scheduler.removeSegment(old);
    viewer.segments.delete(old);
    viewer.nextNumber += 1;
    this.#planDeadline(viewer);
  }

  #demandNext(viewer: SimulatedViewer): void {
    const isMeeting = this.#queue.nowMs - viewer.joinedAtMs < 3_000;
    viewer.scheduler.demand(viewer.nextNumber, false, isMeeting);
    this.#wake(viewer);
  }

  #completed(viewer: SimulatedViewer, number: number): void {
    const nowMs = this.#queue.nowMs;
    viewer.scheduler.endDemand(number);
    if (!viewer.isCheat) this.#recorder.stored(nowMs, nowMs - this.#publishedAtMs(number));
    if (number !== viewer.nextNumber) return;
    if (viewer.playbackOriginMs === Number.POSITIVE_INFINITY)
      viewer.playbackOriginMs = nowMs - number * this.#model.targetDurationMs;
    else if (viewer.stalledAtMs === null) return;
    else {
      const tookMs = nowMs - viewer.stalledAtMs;
      if (!viewer.isCheat) this.#recorder.stalled(nowMs, tookMs);
      viewer.playbackOriginMs += tookMs;
      viewer.stalledAtMs = null;
    }
    this.#playNext(viewer);
  }

  /** Lets the scheduler think as soon as what has happened asks for. */
  #wake(viewer: SimulatedViewer): void {
    const { pauseMs } = viewer.scheduler;
    if (pauseMs !== Number.POSITIVE_INFINITY) this.#wakeAt(viewer, this.#queue.nowMs + pauseMs);
  }

  #wakeAt(viewer: SimulatedViewer, plannedAtMs: number): void {
    const atMs = viewer.timerAtMs(plannedAtMs);
    if (viewer.wakeAtMs <= atMs) return;
    viewer.wakeAtMs = atMs;
    this.#queue.plan(atMs, () => {
      if (viewer.wakeAtMs !== atMs || !viewer.isThere) return;
      viewer.wakeAtMs = Number.POSITIVE_INFINITY;
      this.#think(viewer);
    });
  }

  #think(viewer: SimulatedViewer): void {
    const nowMs = this.#queue.nowMs;
    const position = viewer.positionSeconds(nowMs);
    if (position !== null) viewer.scheduler.setPlayhead(position, nowMs);
    const { firstByteMs, bytesPerMs } = viewer.cdn.speed;
    viewer.scheduler.setCdnSpeed(firstByteMs, bytesPerMs);
    const { actions, nextMs } = viewer.scheduler.run(nowMs);
    for (const action of actions) this.#do(viewer, action);
    for (const inMs of viewer.noteStrength(nowMs))
      this.#queue.plan(nowMs + inMs, () => this.#refreshSoon(viewer));
    this.#wakeAt(viewer, Math.max(nowMs + 1, Math.min(nextMs, nowMs + 1_000)));
  }

  #do(viewer: SimulatedViewer, action: SchedulerAction): void {
    switch (action.kind) {
      case 'fetch':
        this.#fetch(viewer, action);
        return;
      case 'send':
        this.#send(viewer, action);
        return;
      case 'drop': {
        const other = this.#byId.get(action.neighbour);
        viewer.bannedUntilMs.set(action.neighbour, this.#queue.nowMs + action.banMs);
        const delayMs = viewer.neighbours.get(action.neighbour);
        if (!other || delayMs === undefined) return;
        this.#unlink(viewer, other);
        this.#queue.plan(this.#queue.nowMs + delayMs, () => this.#unlink(other, viewer));
        return;
      }
      case 'meet':
        viewer.isInNeed = true;
        this.#askRing(viewer);
        this.#dial(viewer, offersPerAnnounce, 300 + this.#random() * 500);
        return;
      case 'have':
        if (viewer.behaviour === 'liar') this.#tell(viewer, { ...action, bits: lyingBits });
        else if (viewer.behaviour === 'freeRider')
          this.#tell(viewer, { ...action, bits: new Uint8Array(8) });
        else this.#tell(viewer, action);
        return;
      default:
        this.#tell(viewer, action);
    }
  }

  #tell(viewer: SimulatedViewer, action: Action<'request' | 'cancel' | 'have'>): void {
    const other = this.#byId.get(action.neighbour);
    const delayMs = viewer.neighbours.get(action.neighbour);
    if (!other || delayMs === undefined) return;
    this.#recorder.message(this.#queue.nowMs);
    viewer.uplinkDebtBytes += this.#model.controlBytes;
    this.#queue.plan(this.#queue.nowMs + delayMs, () => {
      if (!other.isThere || !other.neighbours.has(viewer.id)) return;
      this.#hear(viewer.id, other, action);
      this.#wake(other);
    });
  }

  #hear(from: string, viewer: SimulatedViewer, action: Action<'request' | 'cancel' | 'have'>) {
    const nowMs = this.#queue.nowMs;
    const { scheduler } = viewer;
    const { segment } = action;
    if (action.kind === 'have')
      scheduler.have(from, segment, action.bits, this.#pieceCount, action.claims, nowMs);
    else if (action.kind === 'cancel') scheduler.cancelled(from, segment, action.piece);
    else if (viewer.behaviour !== 'liar' && viewer.behaviour !== 'freeRider')
      scheduler.requested(from, segment, action.piece, action.deadlineInMs, nowMs);
  }

  #send(viewer: SimulatedViewer, { parcels }: Action<'send'>): void {
    for (const parcel of parcels) this.#sendParcel(viewer, parcel);
    const leftAtMs = viewer.uplinkFreeAtMs - maxBufferedBytes / viewer.uplinkBytesPerMs;
    this.#queue.plan(Math.max(this.#queue.nowMs, leftAtMs), () => {
      viewer.scheduler.sent(this.#queue.nowMs);
      this.#wake(viewer);
    });
  }

  #sendParcel(viewer: SimulatedViewer, { neighbour, pieces }: Parcel): void {
    const { pieceOverheadBytes, downlinkBps } = this.#model;
    const bytes = pieces.reduce((sum, { piece }) => sum + this.#bytesOf(piece, piece), 0);
    const lineMs = (bytes + pieceOverheadBytes + viewer.uplinkDebtBytes) / viewer.uplinkBytesPerMs;
    const sentAtMs = Math.max(this.#queue.nowMs, viewer.uplinkFreeAtMs) + lineMs;
    viewer.uplinkDebtBytes = 0;
    viewer.uplinkFreeAtMs = sentAtMs;
    if (this.#queue.nowMs >= this.#fromMs) viewer.uploadedBytes += bytes;
    const other = this.#byId.get(neighbour);
    const delayMs = viewer.neighbours.get(neighbour) ?? 0;
    this.#queue.plan(sentAtMs + delayMs, () => {
      if (!other?.isThere || !other.neighbours.has(viewer.id)) return;
      const freeAtMs = other.downlinkFreeAtMs + (bytes * 8_000) / downlinkBps;
      const atMs = Math.max(this.#queue.nowMs, freeAtMs);
      other.downlinkFreeAtMs = atMs;
      this.#queue.plan(atMs, () => {
        for (const { segment, piece } of pieces) this.#receive(viewer, other, segment, piece);
      });
    });
  }

  #receive(from: SimulatedViewer, viewer: SimulatedViewer, segment: number, piece: number): void {
    if (!viewer.isThere) return;
    const { scheduler } = viewer;
    const nowMs = this.#queue.nowMs;
    if (from.behaviour === 'poisoner') {
      this.#recorder.discarded(nowMs, this.#bytesOf(piece, piece));
      scheduler.lied(from.id, nowMs);
      this.#wake(viewer);
      return;
    }
    this.#store(viewer, segment, piece, scheduler.pieceReceived(from.id, segment, piece, nowMs));
  }

  #fetch(viewer: SimulatedViewer, { segment, firstPiece, lastPiece, reason }: Action<'fetch'>) {
    const nowMs = this.#queue.nowMs;
    if (viewer.behaviour === 'claimer' && (reason === 'owner' || reason === 'backup')) {
      const never = Number.POSITIVE_INFINITY;
      viewer.scheduler.fetchFailed(segment, firstPiece, lastPiece, never);
      return;
    }
    const { cdnFirstByteMs, cdnJitterMs, cdnBps, cdnLeastShare } = this.#model;
    const bytes = this.#bytesOf(firstPiece, lastPiece);
    this.#recorder.fetched(nowMs, segment, bytes, reason, viewer.isCheat);
    const firstByteMs = cdnFirstByteMs - Math.log(1 - this.#random()) * cdnJitterMs;
    const share = cdnLeastShare + (1 - cdnLeastShare) * this.#random();
    const bytesPerMs = (share * cdnBps) / 8_000;
    for (let piece = firstPiece; piece <= lastPiece; piece += 1) {
      const atMs = nowMs + firstByteMs + this.#bytesOf(firstPiece, piece) / bytesPerMs;
      this.#queue.plan(atMs, () => {
        if (!viewer.isThere) return;
        if (piece === lastPiece) {
          viewer.cdn.observeFirstByte(firstByteMs);
          viewer.cdn.observeTransfer(bytes, bytes / bytesPerMs);
        }
        this.#store(viewer, segment, piece, viewer.scheduler.pieceFetched(segment, piece, atMs));
      });
    }
  }

  /** Size of a run of pieces; the last piece of a segment is shorter than the others. */
  #bytesOf(firstPiece: number, lastPiece: number): number {
    const endBytes = Math.min((lastPiece + 1) * this.#pieceBytes, this.#segmentBytes);
    return endBytes - firstPiece * this.#pieceBytes;
  }

  #store(viewer: SimulatedViewer, number: number, piece: number, isNew: boolean): void {
    const flags = viewer.segments.get(number);
    if (isNew && flags) {
      flags.set(piece);
      if (flags.isFull) this.#completed(viewer, number);
    } else this.#recorder.discarded(this.#queue.nowMs, this.#bytesOf(piece, piece));
    this.#wake(viewer);
  }
}
