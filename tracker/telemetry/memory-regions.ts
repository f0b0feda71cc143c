// Figures per region and the reach of streams for the store in memory: the same steps and the same
// retention as in a database. Part of the memory store.

import { addRegionCounters, type RegionCounters } from './pure/region-counters.ts';
import { floorTo, resolutions, stepForInterval } from './pure/resolutions.ts';
import type { ReachDelta, RegionDelta } from './pure/telemetry-batch.ts';
import { ViewerSketch } from './pure/viewer-sketch.ts';
import type { ReachQuery, RegionTotals, WindowQuery } from './telemetry-store.ts';

interface RegionRow extends RegionDelta {
  readonly stepMs: number;
}

export class MemoryRegions {
  readonly #regions = new Map<string, RegionRow>();
  readonly #reach = new Map<string, ReachDelta>();

  commit(regions: readonly RegionDelta[], reach: readonly ReachDelta[]): void {
    for (const { stepMs } of resolutions) {
      for (const delta of regions) this.#addRegion(stepMs, delta);
    }
    for (const delta of reach) {
      const key = `${delta.stepMs}/${delta.atMs}/${delta.stream}`;
      const known = this.#reach.get(key) ?? { ...delta, sketch: new ViewerSketch() };
      known.sketch.join(delta.sketch);
      this.#reach.set(key, known);
    }
  }

  readRegions({ stream, fromMs, toMs, intervalMs }: WindowQuery): readonly RegionTotals[] {
    const stepMs = stepForInterval(intervalMs);
    const totals = new Map<string, RegionCounters>();
    for (const row of this.#regions.values()) {
      const isWanted = row.stepMs === stepMs && (stream === null || row.stream === stream);
      if (!isWanted || row.bucketAtMs < fromMs || row.bucketAtMs >= toMs) continue;
      const known = totals.get(row.region);
      totals.set(row.region, known ? addRegionCounters(known, row.counters) : row.counters);
    }
    const bytesOf = ({ counters }: RegionTotals): number => counters.cdnBytes + counters.peerBytes;
    return [...totals]
      .map(([region, counters]) => ({ region, counters }))
      .sort((a, b) => bytesOf(b) - bytesOf(a));
  }

  readReach({ stream, fromMs, toMs, stepMs }: ReachQuery): number {
    const total = new ViewerSketch();
    for (const row of this.#reach.values()) {
      const isWanted = row.stepMs === stepMs && (stream === null || row.stream === stream);
      if (isWanted && row.atMs >= fromMs && row.atMs < toMs) total.join(row.sketch);
    }
    return total.count;
  }

  prune(nowMs: number): void {
    const keptMs = new Map(resolutions.map((resolution) => [resolution.stepMs, resolution.keptMs]));
    for (const [key, { stepMs, bucketAtMs }] of this.#regions) {
      if (bucketAtMs < nowMs - (keptMs.get(stepMs) ?? 0)) this.#regions.delete(key);
    }
    for (const [key, { stepMs, atMs }] of this.#reach) {
      if (atMs < nowMs - (keptMs.get(stepMs) ?? 0)) this.#reach.delete(key);
    }
  }

  #addRegion(stepMs: number, delta: RegionDelta): void {
    const bucketAtMs = floorTo(delta.bucketAtMs, stepMs);
    const key = `${stepMs}/${bucketAtMs}/${delta.stream}/${delta.rendition}/${delta.region}`;
    const known = this.#regions.get(key)?.counters;
    const counters = known ? addRegionCounters(known, delta.counters) : delta.counters;
    this.#regions.set(key, { ...delta, stepMs, bucketAtMs, counters });
  }
}
