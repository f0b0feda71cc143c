// The whole receiving side of one WebRTC session, without I/O: datagrams and the time go in,
// frames on one timeline and RTCP for the sender come out. The WHIP session feeds and empties it.

import { Av1Depacketizer } from './av1-depacketizer.ts';
import type { DepacketizedFrame, Depacketizer } from './depacketizer.ts';
import type { AudioCodec, EncodedFrame, VideoCodec } from './encoded-frame.ts';
import { H264Depacketizer } from './h264-depacketizer.ts';
import { KeyframeRequests } from './keyframe-requests.ts';
import { LayerChoice } from './layer-choice.ts';
import { OpusDepacketizer } from './opus-depacketizer.ts';
import {
  buildNack,
  buildPictureLossIndication,
  buildReceiverReport,
  parseSenderReports,
} from './rtcp-packet.ts';
import { headerExtension, isRtcp, parseRtpPacket, type RtpPacket } from './rtp-packet.ts';
import { type SimulcastDescription, SimulcastLayers } from './simulcast-layers.ts';
import { Timeline } from './timeline.ts';
import { type TrackCounters, type TrackEvent, TrackReceiver } from './track-receiver.ts';
import { TransportFeedbackRecorder } from './transport-feedback.ts';
import { parseVideoOrientation, type Rotation } from './video-orientation.ts';
import { Vp8Depacketizer } from './vp8-depacketizer.ts';
import { Vp9Depacketizer } from './vp9-depacketizer.ts';

export type MediaKind = 'video' | 'audio';

/** One negotiated media stream. */
export interface TrackDescription {
  readonly kind: MediaKind;
  readonly codec: VideoCodec | AudioCodec;
  readonly payloadType: number;
  /** Payload type of the retransmission stream (RFC 4588), `null` without one. */
  readonly retransmissionPayloadType: number | null;
  readonly clockRateHz: number;
  /** Whether the sender answers NACK, by RTX or under the packet's own number. */
  readonly canRequestRetransmission: boolean;
  /** Set when the picture comes in several sizes at once. */
  readonly simulcast?: SimulcastDescription | null;
  /** Header extension that says how the picture has to be turned. */
  readonly orientationExtensionId?: number | null;
}

export interface ReceiverOptions {
  /** At most one per kind. */
  readonly tracks: readonly TrackDescription[];
  /** Header extension of the transport-wide sequence number, `null` when not negotiated. */
  readonly transportSequenceExtensionId: number | null;
  /** SSRC of the RTCP that leaves. */
  readonly senderSsrc: number;
  /** A keyframe is asked for at least this often. */
  readonly keyframeIntervalMs: number;
}

export interface ReceiverOutput {
  readonly frames: readonly EncodedFrame[];
  readonly rtcp: readonly Uint8Array[];
}

export interface TrackStatistics extends Readonly<TrackCounters> {
  readonly kind: MediaKind;
  readonly codec: VideoCodec | AudioCodec;
  readonly jitterMs: number;
  readonly rttMs: number;
  readonly frames: number;
  readonly droppedFrames: number;
  /** Of the dropped ones, those to be shown before their predecessor (B-frames). */
  readonly reorderedFrames: number;
}

export interface ReceiverStatistics {
  readonly tracks: readonly TrackStatistics[];
  readonly keyframesRequested: number;
  /** Datagrams that were neither RTCP nor a packet of a negotiated stream. */
  readonly unknownPackets: number;
}

/** INGEST measured: at 5 % loss and 40 ms of round trip everything is recovered in this time. */
const maxWaitWithRetransmissionMs = 300;
/** Without retransmission only reordering is worth waiting for. */
const maxWaitForReorderingMs = 60;
const transportFeedbackIntervalMs = 50;
const reportIntervalMs = 500;
/** After a longer pause of the caller packets may still wait in its queue: expire nothing yet. */
const maxTickGapMs = 100;

interface Track {
  readonly description: TrackDescription;
  readonly receiver: TrackReceiver;
  readonly depacketizer: Depacketizer;
  /** Index among the layers of a simulcast; 0 where there is one alone. */
  readonly layer: number;
  /** Of the last picture that said so. */
  rotation: Rotation;
  frames: number;
}

/** A picture in several sizes at once. */
interface Simulcast {
  readonly layers: SimulcastLayers;
  readonly choice: LayerChoice;
}

const depacketizers: Readonly<Record<VideoCodec | AudioCodec, new () => Depacketizer>> = {
  h264: H264Depacketizer,
  vp8: Vp8Depacketizer,
  vp9: Vp9Depacketizer,
  av1: Av1Depacketizer,
  opus: OpusDepacketizer,
};

/** One for each stream of packets: a simulcast is several. */
function tracksOf(description: TrackDescription): Track[] {
  const layers = description.simulcast?.rids ?? [''];
  return layers.map((_, layer) => ({
    description,
    receiver: new TrackReceiver({
      ...description,
      maxWaitMs: description.canRequestRetransmission
        ? maxWaitWithRetransmissionMs
        : maxWaitForReorderingMs,
    }),
    depacketizer: new depacketizers[description.codec](),
    layer,
    rotation: 0,
    frames: 0,
  }));
}

export class RtpReceiver {
  readonly #options: ReceiverOptions;
  readonly #tracks: readonly Track[];
  readonly #timeline: Timeline<MediaKind>;
  readonly #feedback: TransportFeedbackRecorder;
  readonly #keyframes: KeyframeRequests;
  readonly #simulcast: Simulcast | null;
  #unknownPackets = 0;
  #nextTransportFeedbackMs = -Infinity;
  #nextReportMs = -Infinity;
  #lastTickMs = -Infinity;

  constructor(options: ReceiverOptions) {
    this.#options = options;
    this.#tracks = options.tracks.flatMap(tracksOf);
    const simulcast = options.tracks.find((track) => track.simulcast != null)?.simulcast ?? null;
    this.#simulcast =
      simulcast === null
        ? null
        : {
            layers: new SimulcastLayers(simulcast),
            choice: new LayerChoice(simulcast.rids.length),
          };
    // The picture leads the timeline: sound can be resampled to follow, pictures cannot.
    const pictureFirst = [...options.tracks].sort((a, b) => b.kind.localeCompare(a.kind));
    this.#timeline = new Timeline(
      new Map(pictureFirst.map(({ kind, clockRateHz }) => [kind, clockRateHz])),
    );
    this.#feedback = new TransportFeedbackRecorder(options.senderSsrc);
    this.#keyframes = new KeyframeRequests(options.keyframeIntervalMs);
  }

  /**
   * Takes one decrypted RTP or RTCP datagram; gives the frames that it completes. Never throws.
   * @param nowMs this server's clock in milliseconds since the Unix epoch; must not run backwards
   */
  handlePacket(datagram: Uint8Array, nowMs: number): EncodedFrame[] {
    if (isRtcp(datagram)) {
      this.#handleRtcp(datagram, nowMs);
      return [];
    }
    const packet = parseRtpPacket(datagram);
    if (packet === null) {
      this.#unknownPackets += 1;
      return [];
    }
    this.#recordArrival(packet, nowMs);
    for (const track of this.#tracks) {
      const { payloadType, retransmissionPayloadType, simulcast } = track.description;
      const isItsKind = [payloadType, retransmissionPayloadType].includes(packet.payloadType);
      if (!isItsKind) continue;
      if (simulcast != null && this.#simulcast?.layers.layerOf(packet) !== track.layer) continue;
      const events =
        packet.payloadType === payloadType
          ? track.receiver.handleMedia(packet, nowMs)
          : track.receiver.handleRetransmission(packet, nowMs);
      return this.#depacketize(track, events, nowMs);
    }
    this.#unknownPackets += 1;
    return [];
  }

  /** To be called about every 10 ms: gives up late packets and says what to send. */
  tick(nowMs: number): ReceiverOutput {
    const frames: EncodedFrame[] = [];
    const rtcp: Uint8Array[] = [];
    const isPunctual = nowMs - this.#lastTickMs <= maxTickGapMs;
    this.#lastTickMs = nowMs;
    for (const track of this.#tracks) {
      if (isPunctual) {
        frames.push(...this.#depacketize(track, track.receiver.expire(nowMs), nowMs));
      }
      // Of layers that are not taken only keyframes matter.
      if (this.#isTaken(track)) this.#requestRetransmissions(track, rtcp, nowMs);
    }
    this.#requestKeyframe(rtcp, nowMs);
    if (nowMs >= this.#nextTransportFeedbackMs) {
      this.#nextTransportFeedbackMs = nowMs + transportFeedbackIntervalMs;
      rtcp.push(...this.#feedback.take(this.#firstSsrc(), nowMs));
    }
    if (nowMs >= this.#nextReportMs) {
      this.#nextReportMs = nowMs + reportIntervalMs;
      this.#report(rtcp, nowMs);
    }
    return { frames, rtcp };
  }

  /** The next tick sends a PLI, unless one left a moment ago. */
  requestKeyframe(): void {
    this.#keyframes.request();
  }

  /** Pictures dropped because they were to be shown before their predecessor (B-frames). */
  get reorderedFrames(): number {
    return this.#tracks.reduce((sum, { depacketizer }) => sum + depacketizer.reorderedFrames, 0);
  }

  statistics(): ReceiverStatistics {
    return {
      tracks: this.#shownTracks().map(({ description, receiver, depacketizer, frames }) => ({
        kind: description.kind,
        codec: description.codec,
        ...receiver.counters,
        jitterMs: receiver.jitterMs,
        rttMs: receiver.rttMs,
        frames,
        droppedFrames: depacketizer.droppedFrames,
        reorderedFrames: depacketizer.reorderedFrames,
      })),
      keyframesRequested: this.#keyframes.sentCount,
      unknownPackets: this.#unknownPackets,
    };
  }

  /** One per kind: of a simulcast the layer that is taken. */
  #shownTracks(): readonly Track[] {
    const shown = this.#simulcast?.choice.current ?? 0;
    return this.#tracks.filter(
      ({ description, layer }) => description.simulcast == null || layer === shown,
    );
  }

  #handleRtcp(datagram: Uint8Array, nowMs: number): void {
    for (const report of parseSenderReports(datagram)) {
      for (const { description, receiver, layer } of this.#tracks) {
        if (receiver.ssrc !== report.ssrc) continue;
        receiver.handleSenderReport(report, nowMs);
        if (this.#isTaken({ description, layer }))
          this.#timeline.handleSenderReport(description.kind, report);
      }
    }
  }

  #recordArrival(packet: RtpPacket, nowMs: number): void {
    const id = this.#options.transportSequenceExtensionId;
    const value = id === null ? null : headerExtension(packet, id);
    if (value === null || value.length < 2) return;
    this.#feedback.record(((value[0] ?? 0) << 8) | (value[1] ?? 0), nowMs);
  }

  #depacketize(track: Track, events: readonly TrackEvent[], nowMs: number): EncodedFrame[] {
    const frames: EncodedFrame[] = [];
    for (const event of events) {
      if (event.kind === 'loss') {
        track.depacketizer.handleLoss();
        continue;
      }
      // Stands on the last packet of a picture, the one that completes it.
      track.rotation = this.#rotationOf(track, event.ordered.packet);
      for (const frame of track.depacketizer.push(event.ordered)) {
        track.frames += 1;
        if (!this.#takes(track, frame, nowMs)) continue;
        frames.push(this.#place(track, frame));
        if (frame.isKeyframe && track.description.kind === 'video') {
          this.#keyframes.noteKeyframe(nowMs);
        }
      }
    }
    return frames;
  }

  /** Whether a frame is given on; of a simulcast only those of one layer are. */
  #takes({ description, layer }: Track, frame: DepacketizedFrame, nowMs: number): boolean {
    if (description.simulcast == null) return true;
    const verdict = this.#simulcast?.choice.take(layer, frame, nowMs) ?? 'left';
    if (verdict === 'switched') this.#timeline.restart(description.kind);
    return verdict !== 'left';
  }

  #isTaken({ description, layer }: Pick<Track, 'description' | 'layer'>): boolean {
    return description.simulcast == null || this.#simulcast?.choice.current === layer;
  }

  #rotationOf({ description, rotation }: Track, packet: RtpPacket): Rotation {
    const id = description.orientationExtensionId ?? null;
    const value = id === null ? null : headerExtension(packet, id);
    return value === null ? rotation : parseVideoOrientation(value);
  }

  #place({ description, rotation }: Track, frame: DepacketizedFrame): EncodedFrame {
    const { kind, codec } = description;
    const captureTimeMs = this.#timeline.captureTimeMs(kind, frame.rtpTimestamp, frame.arrivalMs);
    const { payload, isKeyframe, configuration } = frame;
    return codec === 'opus'
      ? { kind: 'audio', codec, captureTimeMs, payload }
      : { kind: 'video', codec, captureTimeMs, isKeyframe, payload, configuration, rotation };
  }

  #requestRetransmissions(track: Track, rtcp: Uint8Array[], nowMs: number): void {
    const ssrc = track.receiver.ssrc;
    if (ssrc === null) return;
    const missing = track.receiver.takeRetransmissionRequests(nowMs);
    if (missing.length > 0) rtcp.push(buildNack(this.#options.senderSsrc, ssrc, missing));
  }

  /** From the layer that is wanted, be it taken already or not. */
  #requestKeyframe(rtcp: Uint8Array[], nowMs: number): void {
    const choice = this.#simulcast?.choice ?? null;
    const layer = choice === null ? 0 : (choice.wanted(nowMs) ?? -1);
    const track = this.#tracks.find(
      (candidate) => candidate.description.kind === 'video' && candidate.layer === layer,
    );
    const ssrc = track?.receiver.ssrc ?? null;
    if (track === undefined || ssrc === null) return;
    const isNew = choice !== null && choice.current !== layer;
    if (this.#keyframes.takeDue(isNew || track.depacketizer.needsKeyframe, nowMs)) {
      rtcp.push(buildPictureLossIndication(this.#options.senderSsrc, ssrc));
    }
  }

  #report(rtcp: Uint8Array[], nowMs: number): void {
    const blocks = this.#tracks.flatMap(({ receiver }) => receiver.takeReportBlock(nowMs) ?? []);
    if (blocks.length > 0) rtcp.push(buildReceiverReport(this.#options.senderSsrc, blocks));
  }

  #firstSsrc(): number {
    for (const { receiver } of this.#tracks) if (receiver.ssrc !== null) return receiver.ssrc;
    return 0;
  }
}
