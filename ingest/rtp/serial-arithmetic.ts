// Numbers that wrap around, made monotonic (RFC 1982, RFC 3550 appendix A.1). Packets come in
// with 16-bit sequence numbers and 32-bit timestamps; everything behind counts without wrapping.

/** Signed distance from `from` to `to`, −32768…32767: positive when `to` is newer. */
export function distance16(from: number, to: number): number {
  return ((to - from) << 16) >> 16;
}

/** Signed distance from `from` to `to`, −2³¹…2³¹−1: positive when `to` is newer. */
export function distance32(from: number, to: number): number {
  return (to - from) | 0;
}

/** First extended number of a sequence: one cycle up, so that older ones stay positive. */
export function startExtended16(sequenceNumber: number): number {
  return sequenceNumber + 0x1_0000;
}

/** The extended number nearest to `reference` whose low 16 bits are `sequenceNumber`. */
export function extend16(sequenceNumber: number, reference: number): number {
  return reference + distance16(reference & 0xffff, sequenceNumber);
}

/** Extends 32-bit RTP timestamps; each may lie up to 2³¹ before or after the newest so far. */
export class TimestampExtender {
  #newest: number | null = null;

  /** The extended timestamp; moves the reference forward when it is the newest. */
  extend(timestamp: number): number {
    const extended = this.peek(timestamp);
    if (this.#newest === null || extended > this.#newest) this.#newest = extended;
    return extended;
  }

  /** The extended timestamp without moving the reference. */
  peek(timestamp: number): number {
    if (this.#newest === null) return timestamp;
    // Doubles hold the extended values exactly; `| 0` inside takes the low 32 bits of both.
    return this.#newest + distance32(this.#newest % 0x1_0000_0000, timestamp);
  }

  /** Forgets the past; the next timestamp starts anew. */
  reset(): void {
    this.#newest = null;
  }
}
