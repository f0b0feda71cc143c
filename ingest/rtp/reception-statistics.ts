// What a receiver report says about one track (RFC 3550 appendices A.3 and A.8). The track
// receiver counts packets here, the receiver writes the blocks.

import type { ReportBlock, SenderReport } from './rtcp-packet.ts';

/** A transit time that changes by more than this is a new timestamp base, not jitter. */
const maxTransitStepSeconds = 5;

export class ReceptionStatistics {
  readonly #clockRateHz: number;
  #base: number;
  #highest: number;
  #receivedPackets = 0;
  #expectedAtLastReport = 0;
  #receivedAtLastReport = 0;
  #jitterTicks = 0;
  #transitTicks: number | null = null;
  #lastSenderReport = 0;
  #lastSenderReportAtMs = 0;

  constructor(clockRateHz: number, firstExtendedSequenceNumber: number) {
    this.#clockRateHz = clockRateHz;
    this.#base = firstExtendedSequenceNumber;
    this.#highest = firstExtendedSequenceNumber - 1;
  }

  /** Packets expected but not received so far; negative with duplicates. */
  get cumulativeLost(): number {
    return this.#highest - this.#base + 1 - this.#receivedPackets;
  }

  get jitterMs(): number {
    return (this.#jitterTicks / this.#clockRateHz) * 1000;
  }

  /** Counts a packet of the media stream; retransmissions by RTX do not belong here. */
  count(extendedSequenceNumber: number, rtpTimestamp: number, nowMs: number): void {
    this.#receivedPackets += 1;
    if (extendedSequenceNumber > this.#highest) this.#highest = extendedSequenceNumber;
    const transitTicks = (nowMs * this.#clockRateHz) / 1000 - rtpTimestamp;
    if (this.#transitTicks !== null) {
      const stepTicks = Math.abs(transitTicks - this.#transitTicks);
      if (stepTicks < maxTransitStepSeconds * this.#clockRateHz) {
        this.#jitterTicks += (stepTicks - this.#jitterTicks) / 16;
      }
    }
    this.#transitTicks = transitTicks;
  }

  handleSenderReport(report: SenderReport, nowMs: number): void {
    this.#lastSenderReport = report.ntpMiddleBits;
    this.#lastSenderReportAtMs = nowMs;
  }

  /** The block for a report sent now; starts the next interval. */
  takeReportBlock(ssrc: number, nowMs: number): ReportBlock {
    const expected = this.#highest - this.#base + 1;
    const expectedInInterval = expected - this.#expectedAtLastReport;
    const receivedInInterval = this.#receivedPackets - this.#receivedAtLastReport;
    const lostInInterval = expectedInInterval - receivedInInterval;
    this.#expectedAtLastReport = expected;
    this.#receivedAtLastReport = this.#receivedPackets;
    const hasLoss = expectedInInterval > 0 && lostInInterval > 0;
    const delayMs = nowMs - this.#lastSenderReportAtMs;
    return {
      ssrc,
      fractionLost256: hasLoss
        ? Math.min(255, Math.floor((lostInInterval * 256) / expectedInInterval))
        : 0,
      cumulativeLost: this.cumulativeLost,
      extendedHighestSequenceNumber: this.#highest,
      jitterTicks: Math.round(this.#jitterTicks),
      lastSenderReport: this.#lastSenderReport,
      delaySinceLastSenderReport:
        this.#lastSenderReport === 0 ? 0 : Math.round((delayMs * 65_536) / 1000),
    };
  }
}
