// A swarm in simulated time: the real scheduler of every viewer over a model of uplinks, delays
// and the CDN. Deterministic by its seed; what it leaves out stands in `SwarmModel`.

import { pieceCount, pieceSizeBytes } from '@shoal/ingest/protocol';
import type {
  FetchReason,
  SchedulerAction,
} from '../../player/delivery/scheduler/scheduler-actions.ts';
import { schedulerConstants } from '../../player/delivery/scheduler/scheduler-constants.ts';
import { SwarmScheduler } from '../../player/delivery/scheduler/swarm-scheduler.ts';
import { Ring } from '../../tracker/signalling/ring.ts';
import { EventQueue } from './event-queue.ts';

/**
 * Modelled: serial uplinks, one-way delays, a CDN with first-byte time and rate, a random graph of
 * neighbours, viewers who cannot upload, liars. Not modelled: packet loss, congestion control, CPU,
 * the size of control messages, churn.
 */
export interface SwarmModel {
  readonly viewerCount: number;
  /** Uplink of each viewer in bit/s; 0 cannot upload. */
  readonly uplinkBps: (viewer: number) => number;
  readonly degree: number;
  readonly bitrateBps: number;
  readonly targetDurationMs: number;
  /** From the capture of a frame to its display. */
  readonly latencyMs: number;
  readonly segmentCount: number;
  /** Viewers who announce everything and send nothing. */
  readonly isLiar?: (viewer: number) => boolean;
  readonly seed: number;
}

export interface SwarmOutcome {
  /** CDN bytes per segment of the stream, the first segments left out. */
  readonly copies: number;
  readonly offload: number;
  /** Segments that were not complete when the play head reached them. */
  readonly lateSegments: number;
  readonly duplicateShare: number;
  readonly copiesByReason: Readonly<Partial<Record<FetchReason, number>>>;
  readonly messagesPerViewerSecond: number;
}

const cdnFirstByteMs = 20;
const cdnBytesPerMs = 25_000 / 8;
const warmUpSegments = 4;

/** Small and good enough: mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Viewer {
  readonly id: string;
  readonly index: number;
  readonly scheduler: SwarmScheduler;
  readonly neighbours: Map<string, number>;
  readonly has: Map<number, Set<number>>;
  readonly uplinkBytesPerMs: number;
  readonly isLiar: boolean;
  wakeAtMs: number;
}

export class SwarmSimulator {
  readonly #model: SwarmModel;
  readonly #queue = new EventQueue();
  readonly #random: () => number;
  readonly #viewers: Viewer[] = [];
  readonly #byId = new Map<string, Viewer>();
  readonly #pieceCount: number;
  readonly #pieceBytes: number;
  readonly #segmentBytes: number;
  readonly #fetchedBytes = new Map<FetchReason, number>();
  #duplicateBytes = 0;
  #lateSegments = 0;
  #messages = 0;

  constructor(model: SwarmModel) {
    this.#model = model;
    this.#random = randomOf(model.seed);
    this.#segmentBytes = Math.round((model.bitrateBps * model.targetDurationMs) / 8_000);
    this.#pieceCount = pieceCount(this.#segmentBytes);
    this.#pieceBytes = pieceSizeBytes(this.#segmentBytes);
    this.#makeViewers();
    this.#connect();
  }

  run(): SwarmOutcome {
    const { segmentCount, targetDurationMs, latencyMs, viewerCount } = this.#model;
    for (let number = 0; number < segmentCount; number += 1) {
      const publishedAtMs = this.#publishedAtMs(number);
      for (const viewer of this.#viewers) {
        const seenAtMs = publishedAtMs + 20 + this.#random() * 80;
        this.#queue.plan(seenAtMs, () => this.#see(viewer, number));
        const deadlineAtMs = number * targetDurationMs + latencyMs + startMs;
        this.#queue.plan(deadlineAtMs, () => this.#judge(viewer, number));
      }
    }
    this.#queue.runUntil(this.#publishedAtMs(segmentCount) + latencyMs);
    const measured = segmentCount - warmUpSegments;
    const copiesByReason: Partial<Record<FetchReason, number>> = {};
    let fetchedBytes = 0;
    for (const [reason, sizeBytes] of this.#fetchedBytes) {
      copiesByReason[reason] = sizeBytes / this.#segmentBytes / measured;
      fetchedBytes += sizeBytes;
    }
    const copies = fetchedBytes / this.#segmentBytes / measured;
    return {
      copies,
      offload: 1 - copies / viewerCount,
      lateSegments: this.#lateSegments,
      duplicateShare: this.#duplicateBytes / (this.#segmentBytes * measured * viewerCount),
      copiesByReason,
      messagesPerViewerSecond: (this.#messages / viewerCount / this.#queue.nowMs) * 1_000,
    };
  }

  #makeViewers(): void {
    const { viewerCount, uplinkBps, latencyMs, targetDurationMs, isLiar } = this.#model;
    const constants = schedulerConstants(latencyMs - targetDurationMs);
    const ring = new Ring();
    const ids = Array.from({ length: viewerCount }, (_, index) => {
      const canUpload = uplinkBps(index) > 0;
      return `-SH010${canUpload ? 1 : 0}-${String(index).padStart(12, '0')}`;
    });
    for (const id of ids) ring.join(Buffer.from(id).toString('hex'));
    for (const [index, id] of ids.entries()) {
      const scheduler = new SwarmScheduler({
        viewerId: id,
        isLive: true,
        canUpload: uplinkBps(index) > 0,
        constants,
        segmentDurationMs: targetDurationMs,
        // Long there: the swarm is in full swing.
        nowMs: -60_000,
        random: this.#random,
      });
      scheduler.setRing(ring.answerFor(Buffer.from(id).toString('hex')), viewerCount);
      scheduler.setCdnSpeed(cdnFirstByteMs * 2, cdnBytesPerMs * 0.8);
      const viewer: Viewer = {
        id,
        index,
        scheduler,
        neighbours: new Map(),
        has: new Map(),
        uplinkBytesPerMs: uplinkBps(index) / 8_000,
        isLiar: isLiar?.(index) ?? false,
        wakeAtMs: Number.POSITIVE_INFINITY,
      };
      this.#viewers.push(viewer);
      this.#byId.set(id, viewer);
    }
  }

  #connect(): void {
    const { degree, viewerCount } = this.#model;
    for (const viewer of this.#viewers) {
      const wanted = Math.min(degree, viewerCount - 1);
      for (let tries = 0; viewer.neighbours.size < wanted && tries < 20 * wanted; tries += 1) {
        const other = this.#viewers[Math.floor(this.#random() * viewerCount)];
        if (!other || other === viewer || other.neighbours.size >= 2 * degree) continue;
        const delayMs = 10 + this.#random() * 65;
        viewer.neighbours.set(other.id, delayMs);
        other.neighbours.set(viewer.id, delayMs);
      }
    }
    for (const viewer of this.#viewers) {
      for (const id of viewer.neighbours.keys()) viewer.scheduler.neighbourJoined(id, 0);
    }
  }

  #publishedAtMs(number: number): number {
    return (number + 1) * this.#model.targetDurationMs + startMs;
  }

  #see(viewer: Viewer, number: number): void {
    viewer.has.set(number, viewer.has.get(number) ?? new Set());
    this.#updatePlayhead(viewer);
    viewer.scheduler.addSegment(
      {
        number,
        startSeconds: (number * this.#model.targetDurationMs) / 1_000,
        pieceCount: this.#pieceCount,
        pieceSizeBytes: this.#pieceBytes,
      },
      false,
      this.#queue.nowMs,
    );
    if (viewer.isLiar) this.#lie(viewer, number);
    this.#act(viewer);
  }

  /** Tells everybody that it has everything. */
  #lie(viewer: Viewer, number: number): void {
    const bits = new Uint8Array(Math.ceil(this.#pieceCount / 8)).fill(0xff);
    for (const [id, delayMs] of viewer.neighbours) {
      this.#queue.plan(this.#queue.nowMs + delayMs, () => {
        const other = this.#byId.get(id);
        other?.scheduler.have(viewer.id, number, bits, this.#pieceCount, 0, this.#queue.nowMs);
        if (other) this.#act(other);
      });
    }
  }

  #judge(viewer: Viewer, number: number): void {
    if ((viewer.has.get(number)?.size ?? 0) < this.#pieceCount && number >= warmUpSegments)
      this.#lateSegments += 1;
    viewer.scheduler.removeSegment(number - 4);
    viewer.has.delete(number - 4);
  }

  #updatePlayhead(viewer: Viewer): void {
    viewer.scheduler.setPlayhead((this.#queue.nowMs - startMs - this.#model.latencyMs) / 1_000);
  }

  /** Lets a viewer's scheduler decide and does what it says. */
  #act(viewer: Viewer): void {
    const nowMs = this.#queue.nowMs;
    this.#updatePlayhead(viewer);
    const { actions, nextMs } = viewer.scheduler.run(nowMs);
    for (const action of actions) this.#do(viewer, action);
    const wakeAtMs = Math.max(nowMs + 1, Math.min(nextMs, nowMs + 1_000));
    if (viewer.wakeAtMs > nowMs && viewer.wakeAtMs <= wakeAtMs) return;
    viewer.wakeAtMs = wakeAtMs;
    this.#queue.plan(wakeAtMs, () => {
      if (viewer.wakeAtMs !== wakeAtMs) return;
      viewer.wakeAtMs = Number.POSITIVE_INFINITY;
      this.#act(viewer);
    });
  }

  #do(viewer: Viewer, action: SchedulerAction): void {
    if (action.kind === 'fetch') this.#fetch(viewer, action);
    else if (action.kind === 'send') this.#send(viewer, action);
    else if (action.kind !== 'drop') this.#tell(viewer, action);
  }

  #tell(
    viewer: Viewer,
    action: Extract<SchedulerAction, { kind: 'request' | 'cancel' | 'have' }>,
  ): void {
    const other = this.#byId.get(action.neighbour);
    const delayMs = viewer.neighbours.get(action.neighbour);
    if (!other || delayMs === undefined) return;
    this.#messages += 1;
    this.#queue.plan(this.#queue.nowMs + delayMs, () => {
      const nowMs = this.#queue.nowMs;
      const { scheduler } = other;
      if (action.kind === 'have') {
        scheduler.have(
          viewer.id,
          action.segment,
          action.bits,
          this.#pieceCount,
          action.claims,
          nowMs,
        );
      } else if (action.kind === 'cancel')
        scheduler.cancelled(viewer.id, action.segment, action.piece);
      else if (!other.isLiar) {
        scheduler.requested(viewer.id, action.segment, action.piece, action.deadlineInMs, nowMs);
      }
      this.#act(other);
    });
  }

  #send(viewer: Viewer, action: Extract<SchedulerAction, { kind: 'send' }>): void {
    const other = this.#byId.get(action.neighbour);
    const delayMs = viewer.neighbours.get(action.neighbour) ?? 0;
    const sentAtMs = this.#queue.nowMs + this.#pieceBytes / viewer.uplinkBytesPerMs;
    this.#queue.plan(sentAtMs, () => {
      viewer.scheduler.sent(this.#queue.nowMs);
      this.#act(viewer);
    });
    this.#queue.plan(sentAtMs + delayMs, () => {
      if (!other) return;
      const isNew = other.scheduler.pieceReceived(
        viewer.id,
        action.segment,
        action.piece,
        this.#queue.nowMs,
      );
      this.#store(other, action.segment, action.piece, isNew);
    });
  }

  #fetch(viewer: Viewer, action: Extract<SchedulerAction, { kind: 'fetch' }>): void {
    const nowMs = this.#queue.nowMs;
    const count = action.lastPiece - action.firstPiece + 1;
    if (action.segment >= warmUpSegments) {
      const before = this.#fetchedBytes.get(action.reason) ?? 0;
      this.#fetchedBytes.set(action.reason, before + this.#rangeBytes(action));
    }
    for (let offset = 0; offset < count; offset += 1) {
      const piece = action.firstPiece + offset;
      const atMs = nowMs + cdnFirstByteMs + ((offset + 1) * this.#pieceBytes) / cdnBytesPerMs;
      this.#queue.plan(atMs, () => {
        this.#store(
          viewer,
          action.segment,
          piece,
          viewer.scheduler.pieceFetched(action.segment, piece),
        );
      });
    }
  }

  /** The last piece of a segment is shorter than the others. */
  #rangeBytes({ firstPiece, lastPiece }: { firstPiece: number; lastPiece: number }): number {
    const endBytes = Math.min((lastPiece + 1) * this.#pieceBytes, this.#segmentBytes);
    return endBytes - firstPiece * this.#pieceBytes;
  }

  #store(viewer: Viewer, number: number, piece: number, isNew: boolean): void {
    if (isNew) viewer.has.get(number)?.add(piece);
    else if (number >= warmUpSegments) this.#duplicateBytes += this.#pieceBytes;
    this.#act(viewer);
  }
}

/** The swarm begins a little after zero, so that nothing lies in negative time. */
const startMs = 10_000;
