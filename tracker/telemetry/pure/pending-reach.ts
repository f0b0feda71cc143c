// Who was there, waiting for the store: a sketch for each stream and step, handed over every few
// seconds, since a sketch costs the store more than a sum. Pure; part of the rollup.

import type { StreamId } from '@shoal/ingest/protocol';
import { floorTo, reachSteps } from './resolutions.ts';
import type { ReachDelta } from './telemetry-batch.ts';
import { ViewerSketch, viewerHash } from './viewer-sketch.ts';

/** What a crash may lose of it: viewers are seen again with their next beacon. */
const handOverMs = 2_000;

export class PendingReach {
  readonly #maxSketches: number;
  readonly #pending = new Map<string, ReachDelta>();
  #handedOverAtMs = Number.NEGATIVE_INFINITY;
  #lastSeenMs = Number.NEGATIVE_INFINITY;

  constructor(maxSketches: number) {
    this.#maxSketches = maxSketches;
  }

  add(stream: StreamId, session: string, nowMs: number): void {
    this.#lastSeenMs = nowMs;
    const hash = viewerHash(session);
    for (const stepMs of reachSteps) {
      const atMs = floorTo(nowMs, stepMs);
      this.#open({ stepMs, atMs, stream, sketch: new ViewerSketch() })?.sketch.add(hash);
    }
  }

  /** What is pending, if it is time to hand it over. */
  take(): ReachDelta[] {
    if (this.#lastSeenMs - this.#handedOverAtMs < handOverMs) return [];
    this.#handedOverAtMs = this.#lastSeenMs;
    const taken = [...this.#pending.values()];
    this.#pending.clear();
    return taken;
  }

  giveBack(deltas: readonly ReachDelta[]): void {
    for (const delta of deltas)
      this.#open({ ...delta, sketch: new ViewerSketch() })?.sketch.join(delta.sketch);
  }

  #open(delta: ReachDelta): ReachDelta | null {
    const key = `${delta.stepMs}/${delta.atMs}/${delta.stream}`;
    const known = this.#pending.get(key);
    if (known !== undefined) return known;
    if (this.#pending.size >= this.#maxSketches) return null;
    this.#pending.set(key, delta);
    return delta;
  }
}
