// How fast media comes and goes now, from the counters of successive snapshots. Pure; the overlay
// feeds it and draws its rates.

import type { PlayerStats } from '../stats.ts';

/** Bits per second, averaged over the last seconds: segments arrive in bursts. */
export interface DeliveryRates {
  readonly cdnBps: number;
  readonly peersBps: number;
  readonly uploadBps: number;
}

type Counters = Pick<PlayerStats, 'cdnBytes' | 'peerBytes' | 'uploadedBytes'>;

interface Sample {
  readonly atMs: number;
  readonly counters: Counters;
}

const periodMs = 6_000;
const maxSamples = 64;

export class DeliveryRateMeter {
  #samples: readonly Sample[] = [];

  /** Takes a snapshot and tells the rates up to it; zero until there are two. */
  update({ cdnBytes, peerBytes, uploadedBytes }: Counters, nowMs: number): DeliveryRates {
    const counters: Counters = { cdnBytes, peerBytes, uploadedBytes };
    const last = this.#samples.at(-1);
    // Counters begin anew with another source.
    if (
      last !== undefined &&
      cdnBytes + peerBytes < last.counters.cdnBytes + last.counters.peerBytes
    ) {
      this.#samples = [];
    }
    const recent = this.#samples.filter(({ atMs }) => nowMs - atMs <= periodMs);
    this.#samples = [...recent, { atMs: nowMs, counters }].slice(-maxSamples);
    const first = this.#samples[0];
    if (first === undefined || nowMs <= first.atMs) return { cdnBps: 0, peersBps: 0, uploadBps: 0 };
    const bps = (name: keyof Counters): number =>
      ((counters[name] - first.counters[name]) * 8_000) / (nowMs - first.atMs);
    return { cdnBps: bps('cdnBytes'), peersBps: bps('peerBytes'), uploadBps: bps('uploadedBytes') };
  }
}
