// One media stream made whole: order, retransmissions (RFC 4588), duplicates, losses and the
// sender's restarts. The receiver feeds it packets; the depacketizer takes what comes out.

import { viewOf } from './byte-view.ts';
import { JitterBuffer, type OrderedPacket } from './jitter-buffer.ts';
import { MissingPackets } from './missing-packets.ts';
import { ReceptionStatistics } from './reception-statistics.ts';
import type { ReportBlock, SenderReport } from './rtcp-packet.ts';
import type { RtpPacket } from './rtp-packet.ts';
import { extend16, startExtended16 } from './serial-arithmetic.ts';

export interface TrackReceiverOptions {
  readonly payloadType: number;
  /** Payload type of the retransmission stream, `null` when repetitions come in the media stream. */
  readonly retransmissionPayloadType: number | null;
  readonly clockRateHz: number;
  /** Whether the sender repeats packets on request. */
  readonly canRequestRetransmission: boolean;
  /** How long a gap may hold back the packets behind it. */
  readonly maxWaitMs: number;
}

/** What comes out, in order: packets, and the places where packets are missing for good. */
export type TrackEvent =
  | { readonly kind: 'packet'; readonly ordered: OrderedPacket }
  | { readonly kind: 'loss' };

export interface TrackCounters {
  /** Packets of the media stream, with repetitions under their own number. */
  receivedPackets: number;
  /** Bytes of payload, with retransmissions. */
  receivedBytes: number;
  /** Packets that were missing and came after all. */
  recoveredPackets: number;
  /** Packets given up. */
  lostPackets: number;
  /** Packets that came twice or after they were given up; most RTX packets only probe. */
  discardedPackets: number;
  requestedRetransmissions: number;
  senderRestarts: number;
}

/** RFC 3550 appendix A.1 allows 3000; at 5 Mbit/s that is seven seconds. */
const maxSequenceJump = 3_000;
const maxHeldPackets = 2_048;
const initialRttMs = 50;
/** RFC 6298 §2: one eighth of each new sample. */
const rttSmoothing = 1 / 8;

interface Stream {
  readonly ssrc: number;
  readonly buffer: JitterBuffer;
  readonly missing: MissingPackets;
  readonly statistics: ReceptionStatistics;
  highest: number;
}

export class TrackReceiver {
  readonly #options: TrackReceiverOptions;
  readonly #counters: TrackCounters = {
    receivedPackets: 0,
    receivedBytes: 0,
    recoveredPackets: 0,
    lostPackets: 0,
    discardedPackets: 0,
    requestedRetransmissions: 0,
    senderRestarts: 0,
  };
  #stream: Stream | null = null;
  #rttMs = initialRttMs;
  /** After a wild jump: the sequence number that would confirm a restart of the sender. */
  #restartCandidate: number | null = null;

  constructor(options: TrackReceiverOptions) {
    this.#options = options;
  }

  /** SSRC of the media stream, `null` before its first packet. */
  get ssrc(): number | null {
    return this.#stream?.ssrc ?? null;
  }

  get counters(): Readonly<TrackCounters> {
    return this.#counters;
  }

  /** Round trip as seen by retransmissions; 50 before the first. */
  get rttMs(): number {
    return this.#rttMs;
  }

  get jitterMs(): number {
    return this.#stream?.statistics.jitterMs ?? 0;
  }

  /** A packet of the media stream itself. */
  handleMedia(packet: RtpPacket, nowMs: number): TrackEvent[] {
    const events: TrackEvent[] = [];
    let stream = this.#stream;
    if (stream === null || stream.ssrc !== packet.ssrc) {
      if (stream !== null) events.push(this.#noteRestart());
      stream = this.#startStream(packet);
    }
    let extended = extend16(packet.sequenceNumber, stream.highest);
    if (Math.abs(extended - stream.highest) > maxSequenceJump) {
      // RFC 3550 appendix A.1: believe a jump when the next packet confirms it.
      if (this.#restartCandidate !== packet.sequenceNumber) {
        this.#restartCandidate = (packet.sequenceNumber + 1) & 0xffff;
        this.#counters.discardedPackets += 1;
        return events;
      }
      events.push(this.#noteRestart());
      stream = this.#startStream(packet);
      extended = stream.highest;
    }
    this.#restartCandidate = null;
    this.#counters.receivedPackets += 1;
    stream.statistics.count(extended, packet.timestamp, nowMs);
    // Where repetitions have a stream of their own, this one is the original, overtaken by others:
    // taken for an answer, it would make the round trip look ever shorter.
    const isAnswer = this.#options.retransmissionPayloadType === null;
    events.push(...this.#insert(stream, packet, extended, { nowMs, isAnswer }));
    return events;
  }

  /**
   * A packet of the retransmission stream.
   * RFC 4588 §4: the original sequence number comes before the payload; without payload it is
   * padding that only probes the bandwidth.
   */
  handleRetransmission(packet: RtpPacket, nowMs: number): TrackEvent[] {
    const stream = this.#stream;
    if (stream === null || packet.payload.length <= 2) return [];
    const sequenceNumber = viewOf(packet.payload).getUint16(0);
    const extended = extend16(sequenceNumber, stream.highest);
    if (Math.abs(extended - stream.highest) > maxSequenceJump) {
      this.#counters.discardedPackets += 1;
      return [];
    }
    const original: RtpPacket = {
      ...packet,
      payloadType: this.#options.payloadType,
      sequenceNumber,
      ssrc: stream.ssrc,
      payload: packet.payload.subarray(2),
    };
    return this.#insert(stream, original, extended, { nowMs, isAnswer: true });
  }

  /** Gives up what has been waited for too long. */
  expire(nowMs: number): TrackEvent[] {
    const stream = this.#stream;
    if (stream === null) return [];
    const events: TrackEvent[] = [];
    for (;;) {
      const lostPackets = stream.buffer.skipExpired(nowMs);
      if (lostPackets === 0) return events;
      this.#counters.lostPackets += lostPackets;
      stream.missing.forgetBefore(stream.buffer.next);
      events.push({ kind: 'loss' });
      this.#drain(stream, events);
    }
  }

  /** Extended sequence numbers to ask for again now; empty when the sender cannot repeat. */
  takeRetransmissionRequests(nowMs: number): number[] {
    if (this.#stream === null || !this.#options.canRequestRetransmission) return [];
    const due = this.#stream.missing.takeDue(nowMs, this.#rttMs);
    this.#counters.requestedRetransmissions += due.length;
    return due;
  }

  handleSenderReport(report: SenderReport, nowMs: number): void {
    this.#stream?.statistics.handleSenderReport(report, nowMs);
  }

  /** The block for a receiver report, `null` before the first packet. */
  takeReportBlock(nowMs: number): ReportBlock | null {
    const stream = this.#stream;
    return stream === null ? null : stream.statistics.takeReportBlock(stream.ssrc, nowMs);
  }

  #startStream(packet: RtpPacket): Stream {
    const first = startExtended16(packet.sequenceNumber);
    const stream: Stream = {
      ssrc: packet.ssrc,
      buffer: new JitterBuffer(first, {
        maxWaitMs: this.#options.maxWaitMs,
        maxPackets: maxHeldPackets,
      }),
      missing: new MissingPackets(),
      statistics: new ReceptionStatistics(this.#options.clockRateHz, first),
      highest: first,
    };
    this.#stream = stream;
    this.#restartCandidate = null;
    return stream;
  }

  #noteRestart(): TrackEvent {
    this.#counters.senderRestarts += 1;
    return { kind: 'loss' };
  }

  /** Puts a packet in its place and gives what is in order now. */
  #insert(
    stream: Stream,
    packet: RtpPacket,
    extended: number,
    { nowMs, isAnswer }: { readonly nowMs: number; readonly isAnswer: boolean },
  ): TrackEvent[] {
    this.#counters.receivedBytes += packet.payload.length;
    const { wasMissing, rttSampleMs } = stream.missing.resolve(extended, nowMs);
    if (isAnswer && rttSampleMs !== null) this.#rttMs += (rttSampleMs - this.#rttMs) * rttSmoothing;
    const outcome = stream.buffer.insert({
      packet,
      extendedSequenceNumber: extended,
      arrivalMs: nowMs,
    });
    if (outcome === 'accepted' && wasMissing) this.#counters.recoveredPackets += 1;
    if (outcome !== 'accepted') this.#counters.discardedPackets += 1;
    if (extended > stream.highest) {
      if (this.#options.canRequestRetransmission) {
        stream.missing.add(stream.highest + 1, extended, nowMs);
      }
      stream.highest = extended;
    }
    const events = this.#drain(stream, []);
    if (stream.buffer.heldPackets > maxHeldPackets) events.push(...this.expire(nowMs));
    return events;
  }

  #drain(stream: Stream, events: TrackEvent[]): TrackEvent[] {
    for (const ordered of stream.buffer.takeReady()) events.push({ kind: 'packet', ordered });
    return events;
  }
}
