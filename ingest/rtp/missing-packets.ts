// Which packets are missing, and when to ask for each again. The track receiver marks gaps here
// and turns what is due into a NACK (RFC 4585 §6.2.1).

interface MissingPacket {
  readonly sinceMs: number;
  lastRequestMs: number;
  requests: number;
}

/** Packets that come within this time were only reordered. */
const reorderingMs = 4;
const minRetryMs = 25;
/** A retransmission takes one round trip; what has not come after a bit more was lost again. */
const retryPerRtt = 1.3;
const maxRequests = 10;
const maxMissing = 1_000;

export class MissingPackets {
  readonly #missing = new Map<number, MissingPacket>();
  #overflowCount = 0;

  get count(): number {
    return this.#missing.size;
  }

  /** Missing packets that were never asked for, because too many were missing at once. */
  get overflowCount(): number {
    return this.#overflowCount;
  }

  /** Marks the extended sequence numbers from `first` up to but not including `end`. */
  add(first: number, end: number, nowMs: number): void {
    for (let number = first; number < end; number += 1) {
      if (this.#missing.size >= maxMissing) {
        this.#overflowCount += end - number;
        return;
      }
      this.#missing.set(number, { sinceMs: nowMs, lastRequestMs: -Infinity, requests: 0 });
    }
  }

  /**
   * Takes a packet off the list.
   * @returns whether it was on it, and the time from the only request to now as a sample of the RTT
   */
  resolve(number: number, nowMs: number): { wasMissing: boolean; rttSampleMs: number | null } {
    const entry = this.#missing.get(number);
    if (entry === undefined) return { wasMissing: false, rttSampleMs: null };
    this.#missing.delete(number);
    // After several requests nobody knows which one was answered (Karn's algorithm, RFC 6298 §3).
    const rttSampleMs = entry.requests === 1 ? nowMs - entry.lastRequestMs : null;
    return { wasMissing: true, rttSampleMs };
  }

  /** Forgets what nobody waits for any more. */
  forgetBefore(number: number): void {
    for (const missing of this.#missing.keys()) {
      if (missing < number) this.#missing.delete(missing);
    }
  }

  /** The extended sequence numbers to ask for now, ascending. */
  takeDue(nowMs: number, rttMs: number): number[] {
    const retryMs = Math.max(rttMs * retryPerRtt, minRetryMs);
    const due: number[] = [];
    for (const [number, entry] of this.#missing) {
      if (entry.requests >= maxRequests) continue;
      if (nowMs - entry.sinceMs < reorderingMs || nowMs - entry.lastRequestMs < retryMs) continue;
      entry.lastRequestMs = nowMs;
      entry.requests += 1;
      due.push(number);
    }
    return due.sort((left, right) => left - right);
  }
}
