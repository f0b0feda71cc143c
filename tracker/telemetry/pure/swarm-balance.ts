// Whether a swarm can have received what its viewers say: no more than they say they have sent, but
// for the beacons that are still on their way. Pure; the rollup asks for every beacon.

import type { StreamId } from '@shoal/ingest/protocol';

export interface BalanceInput {
  readonly stream: StreamId;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly intervalMs: number;
  /** The highest bit rate of the stream's renditions. */
  readonly maxBitrateBps: number;
  readonly nowMs: number;
}

interface Balance {
  receivedBytes: number;
  sentBytes: number;
  /** What may have been received already and is not reported as sent yet. */
  openBytes: number;
  updatedAtMs: number;
}

/** Time in which what was exchanged loses two thirds of its weight. */
const memoryMs = 600_000;
/** The same of what is under way: several beacon intervals. */
const openMs = 30_000;
/** Of one beacon's interval; longer ones come from pages in the background. */
const maxOpenIntervalMs = 10_000;
/** Not every sender reports: some go without a last word. */
const tolerance = 1.2;
/** For swarms of a few viewers. */
const leastOpenSeconds = 60;
const maxStreams = 5_000;

export class SwarmBalances {
  readonly #balances = new Map<StreamId, Balance>();

  /**
   * Whether the beacon fits; if so it is taken into account. One that sent at least what it received
   * always does: whoever makes the swarm's balance wrong is among the others.
   */
  admit(input: BalanceInput): boolean {
    const { receivedBytes, sentBytes, nowMs } = input;
    const bytesPerSecond = input.maxBitrateBps / 8;
    const balance = this.#balanceOf(input.stream, nowMs);
    if (balance === null) return true;
    decay(balance, nowMs);
    const intervalSeconds = Math.min(maxOpenIntervalMs, input.intervalMs) / 1_000;
    balance.openBytes += intervalSeconds * bytesPerSecond;
    balance.sentBytes += sentBytes;
    const limitBytes =
      balance.sentBytes * tolerance + balance.openBytes + leastOpenSeconds * bytesPerSecond;
    const fits = receivedBytes <= sentBytes || balance.receivedBytes + receivedBytes <= limitBytes;
    if (fits) balance.receivedBytes += receivedBytes;
    return fits;
  }

  #balanceOf(stream: StreamId, nowMs: number): Balance | null {
    const known = this.#balances.get(stream);
    if (known !== undefined) return known;
    if (this.#balances.size >= maxStreams) this.#forgetOld(nowMs);
    if (this.#balances.size >= maxStreams) return null;
    const balance = { receivedBytes: 0, sentBytes: 0, openBytes: 0, updatedAtMs: nowMs };
    this.#balances.set(stream, balance);
    return balance;
  }

  #forgetOld(nowMs: number): void {
    for (const [stream, { updatedAtMs }] of this.#balances) {
      if (nowMs - updatedAtMs > memoryMs) this.#balances.delete(stream);
    }
  }
}

function decay(balance: Balance, nowMs: number): void {
  const elapsedMs = Math.max(0, nowMs - balance.updatedAtMs);
  const kept = Math.exp(-elapsedMs / memoryMs);
  balance.receivedBytes *= kept;
  balance.sentBytes *= kept;
  balance.openBytes *= Math.exp(-elapsedMs / openMs);
  balance.updatedAtMs = nowMs;
}
