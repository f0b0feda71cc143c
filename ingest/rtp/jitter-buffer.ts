// Puts packets back in order and decides when to stop waiting for one. The track receiver fills
// it, takes runs of packets out, and asks the sender again for what is missing in the meantime.

import type { RtpPacket } from './rtp-packet.ts';

/** A packet in its place, with the time when its data first came. */
export interface OrderedPacket {
  readonly packet: RtpPacket;
  readonly extendedSequenceNumber: number;
  readonly arrivalMs: number;
}

export type InsertOutcome = 'accepted' | 'duplicate' | 'late';

export interface JitterBufferOptions {
  /** How long a gap may hold back the packets behind it. */
  readonly maxWaitMs: number;
  /** Most packets held back; a gap is given up when more come. */
  readonly maxPackets: number;
}

export class JitterBuffer {
  readonly #options: JitterBufferOptions;
  readonly #held = new Map<number, OrderedPacket>();
  #next: number;

  /** @param first extended sequence number of the first packet expected */
  constructor(first: number, options: JitterBufferOptions) {
    this.#next = first;
    this.#options = options;
  }

  /** Extended sequence number of the next packet to come out. */
  get next(): number {
    return this.#next;
  }

  get heldPackets(): number {
    return this.#held.size;
  }

  insert(ordered: OrderedPacket): InsertOutcome {
    if (ordered.extendedSequenceNumber < this.#next) return 'late';
    if (this.#held.has(ordered.extendedSequenceNumber)) return 'duplicate';
    this.#held.set(ordered.extendedSequenceNumber, ordered);
    return 'accepted';
  }

  /** The next packets without a gap, in order. */
  takeReady(): OrderedPacket[] {
    const ready: OrderedPacket[] = [];
    for (;;) {
      const ordered = this.#held.get(this.#next);
      if (ordered === undefined) return ready;
      this.#held.delete(this.#next);
      this.#next += 1;
      ready.push(ordered);
    }
  }

  /** Gives up the gap at the head when it has waited too long; the count of packets lost with it. */
  skipExpired(nowMs: number): number {
    if (this.#held.size === 0) return 0;
    let first = Infinity;
    let oldestArrivalMs = Infinity;
    for (const [sequenceNumber, ordered] of this.#held) {
      if (sequenceNumber < first) first = sequenceNumber;
      if (ordered.arrivalMs < oldestArrivalMs) oldestArrivalMs = ordered.arrivalMs;
    }
    const isExpired = nowMs - oldestArrivalMs > this.#options.maxWaitMs;
    if (!isExpired && this.#held.size <= this.#options.maxPackets) return 0;
    const lostPackets = first - this.#next;
    this.#next = first;
    return lostPackets;
  }
}
