// Sends one kind of media on a WebRTC track: RTP packets as they come, a sender report at once
// and every second, and a count of what the receiver asks for. The broadcaster owns it.

import { RtcpNackResponder, type Track } from 'node-datachannel';
import { senderReport } from './sender-report.ts';

const rtpHeaderSizeBytes = 12;
const reportIntervalMs = 1_000;
/** Packets kept for retransmission: about two seconds of video. */
const retransmissionStorePackets = 512;

export interface MediaSenderStatistics {
  readonly packetsSent: number;
  readonly payloadBytesSent: number;
  /** Gaps in the sequence numbers that ffmpeg gave us: lost before the network. */
  readonly packetsMissing: number;
  /** Negative acknowledgements (RFC 4585 §6.2.1) that came back. */
  readonly nackCount: number;
  /** Keyframe requests (PLI, FIR) that came back; the next keyframe is at most a second away. */
  readonly keyframeRequestCount: number;
}

export class MediaSender {
  /** Below 2^31, see `RtpTarget`. */
  readonly ssrc: number;
  readonly #track: Track;
  readonly #clockRateHz: number;
  #firstRtpTimestamp: number | null = null;
  #startedAtMs = 0;
  #nextSequenceNumber: number | null = null;
  #reportTimer: NodeJS.Timeout | null = null;
  #packetsSent = 0;
  #payloadBytesSent = 0;
  #packetsMissing = 0;
  #nackCount = 0;
  #keyframeRequestCount = 0;

  /** @param clockRateHz of the RTP timestamps */
  constructor(track: Track, ssrc: number, clockRateHz: number) {
    this.#track = track;
    this.ssrc = ssrc;
    this.#clockRateHz = clockRateHz;
    track.setMediaHandler(new RtcpNackResponder(retransmissionStorePackets));
    track.onMessage((message) => this.#countFeedback(message));
  }

  get statistics(): MediaSenderStatistics {
    return {
      packetsSent: this.#packetsSent,
      payloadBytesSent: this.#payloadBytesSent,
      packetsMissing: this.#packetsMissing,
      nackCount: this.#nackCount,
      keyframeRequestCount: this.#keyframeRequestCount,
    };
  }

  /**
   * Sends one RTP packet that carries this sender's SSRC and payload type.
   * @param mediaStartMs when the source began, by `performance.now()`: the same for all media of
   *   one source, so that the reports put them on one clock
   */
  send(packet: Buffer, mediaStartMs: number): void {
    if (!this.#track.isOpen()) return;
    if (this.#firstRtpTimestamp === null) {
      this.#firstRtpTimestamp = packet.readUInt32BE(4);
      this.#startedAtMs = mediaStartMs;
      this.#report();
      this.#reportTimer = setInterval(() => this.#report(), reportIntervalMs);
    }
    const sequenceNumber = packet.readUInt16BE(2);
    if (this.#nextSequenceNumber !== null) {
      this.#packetsMissing += (sequenceNumber - this.#nextSequenceNumber) & 0xffff;
    }
    this.#nextSequenceNumber = (sequenceNumber + 1) & 0xffff;
    this.#track.sendMessageBinary(packet);
    this.#packetsSent += 1;
    this.#payloadBytesSent += packet.length - rtpHeaderSizeBytes;
  }

  close(): void {
    if (this.#reportTimer) clearInterval(this.#reportTimer);
    this.#reportTimer = null;
  }

  #report(): void {
    if (this.#firstRtpTimestamp === null || !this.#track.isOpen()) return;
    const mediaTimeSeconds = (performance.now() - this.#startedAtMs) / 1_000;
    const report = senderReport({
      ssrc: this.ssrc,
      wallClockMs: Date.now(),
      rtpTimestamp: this.#firstRtpTimestamp + mediaTimeSeconds * this.#clockRateHz,
      packetsSent: this.#packetsSent,
      payloadBytesSent: this.#payloadBytesSent,
    });
    this.#track.sendMessageBinary(report);
  }

  /** Walks a compound RTCP packet, RFC 3550 §6.1. */
  #countFeedback(message: Buffer): void {
    let offset = 0;
    while (offset + 4 <= message.length) {
      const format = message.readUInt8(offset) & 0x1f;
      const type = message.readUInt8(offset + 1);
      if (type === 205 && format === 1) this.#nackCount += 1;
      if (type === 206 && (format === 1 || format === 4)) this.#keyframeRequestCount += 1;
      offset += (message.readUInt16BE(offset + 2) + 1) * 4;
    }
  }
}
