// Remembers when each packet of the transport arrived and reports it, so that the sender can
// estimate the bandwidth. The receiver records every packet and asks for feedback every 50 ms.

import { distance16, extend16, startExtended16 } from './serial-arithmetic.ts';
import { buildTransportFeedback, fitsDelta } from './transport-feedback-packet.ts';

const ticksPerMs = 4;
/** Arrivals stay this long, so that a late packet is reported among its neighbours. */
const historyMs = 500;
/** At most this many statuses in one feedback, far below the 16 bits of the wire form. */
const maxStatusesPerFeedback = 1_000;
const maxFeedbacksPerTake = 8;
/** A larger jump is a restarted sender. */
const maxJump = 8_000;
const maxArrivals = 10_000;

export class TransportFeedbackRecorder {
  readonly #senderSsrc: number;
  /** Extended transport sequence number → arrival in quarters of a millisecond. */
  readonly #arrivals = new Map<number, number>();
  #highest: number | null = null;
  /** First extended number that the next feedback covers. */
  #nextBase = 0;
  #feedbackCount = 0;
  #overflowCount = 0;

  constructor(senderSsrc: number) {
    this.#senderSsrc = senderSsrc;
  }

  /** Arrivals that were forgotten before they were reported. */
  get overflowCount(): number {
    return this.#overflowCount;
  }

  record(transportSequenceNumber: number, nowMs: number): void {
    const highest = this.#highest;
    let extended: number;
    if (
      highest === null ||
      Math.abs(distance16(highest & 0xffff, transportSequenceNumber)) > maxJump
    ) {
      extended = startExtended16(transportSequenceNumber);
      this.#arrivals.clear();
      this.#nextBase = extended;
      this.#highest = extended;
    } else {
      extended = extend16(transportSequenceNumber, highest);
      this.#highest = Math.max(highest, extended);
    }
    if (this.#arrivals.has(extended)) return;
    if (this.#arrivals.size >= maxArrivals) {
      this.#overflowCount += 1;
      return;
    }
    this.#arrivals.set(extended, Math.round(nowMs * ticksPerMs));
    // Late: the next feedback reaches back to it and repeats what lies between.
    if (extended < this.#nextBase) this.#nextBase = extended;
  }

  /** Feedback for what arrived since the last call; empty when nothing did. */
  take(mediaSsrc: number, nowMs: number): Uint8Array[] {
    const packets: Uint8Array[] = [];
    while (packets.length < maxFeedbacksPerTake) {
      const statuses = this.#takeStatuses();
      if (statuses === null) break;
      // Nothing but losses has no reference time; the sender learns of them by what follows.
      if (statuses.arrivalTicks.every((ticks) => ticks === null)) continue;
      packets.push(
        buildTransportFeedback({
          senderSsrc: this.#senderSsrc,
          mediaSsrc,
          feedbackCount: this.#feedbackCount,
          baseSequenceNumber: statuses.base & 0xffff,
          arrivalTicks: statuses.arrivalTicks,
        }),
      );
      this.#feedbackCount = (this.#feedbackCount + 1) & 0xff;
    }
    this.#forgetBefore(Math.round((nowMs - historyMs) * ticksPerMs));
    return packets;
  }

  /** The longest stretch from the next base on that one feedback can carry. */
  #takeStatuses(): { base: number; arrivalTicks: (number | null)[] } | null {
    const highest = this.#highest;
    if (highest === null || highest < this.#nextBase) return null;
    const base = this.#nextBase;
    const arrivalTicks: (number | null)[] = [];
    let previousTicks: number | null = null;
    let next = base;
    while (next <= highest && arrivalTicks.length < maxStatusesPerFeedback) {
      const ticks = this.#arrivals.get(next) ?? null;
      if (ticks !== null) {
        if (previousTicks !== null && !fitsDelta(ticks - previousTicks)) break;
        previousTicks = ticks;
      }
      arrivalTicks.push(ticks);
      next += 1;
    }
    this.#nextBase = next;
    return { base, arrivalTicks };
  }

  #forgetBefore(ticks: number): void {
    for (const [extended, arrival] of this.#arrivals) {
      if (arrival >= ticks) break; // insertion order is order of arrival
      if (extended < this.#nextBase) this.#arrivals.delete(extended);
    }
  }
}
