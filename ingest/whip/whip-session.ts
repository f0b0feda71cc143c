// One publisher's session from its offer to its end: connects, turns packets into frames for the
// broadcast, sends feedback, and closes when the publisher leaves or falls silent.

import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { PortRange } from '../environment.ts';
import { IngestError } from '../errors.ts';
import type { StreamId } from '../protocol/index.ts';
import type { EncodedFrame } from '../rtp/encoded-frame.ts';
import { type ReceiverStatistics, RtpReceiver } from '../rtp/receiver.ts';
import type {
  BroadcastSink,
  OpenBroadcast,
  PublisherControl,
  SessionCloseReason,
  SessionMedia,
} from './broadcast-sink.ts';
import { maxCandidates } from './ice-candidate.ts';
import { type ConnectionState, MediaConnection } from './media-connection.ts';
import { transportOffer } from './offer-filter.ts';
import { type PublisherLimits, PublisherLimitWatch } from './publisher-limits.ts';
import {
  announceAddresses,
  completeAnswer,
  limitBitrate,
  suggestStartBitrate,
} from './sdp-answer.ts';
import type { WhipOffer } from './sdp-offer.ts';
import type { TrickledCandidate } from './trickle-fragment.ts';

export type SessionState = 'connecting' | 'live' | 'closed';

export interface WhipSessionOptions {
  readonly id: string;
  readonly stream: StreamId;
  /** The publisher's address, as far as it counts as one. */
  readonly client: string;
  readonly offer: WhipOffer;
  readonly openBroadcast: OpenBroadcast;
  /** A keyframe is asked for at least this often: the duration of a segment. */
  readonly keyframeIntervalMs: number;
  /** From the offer to the connection; 10 s by default. */
  readonly maxConnectingMs?: number | undefined;
  readonly announcedIps: readonly string[];
  /** What the publisher may send at most; absent for no limit. */
  readonly limits?: PublisherLimits | undefined;
  readonly udpPorts?: PortRange | undefined;
  readonly iceServerUrls: readonly string[];
  readonly bindAddress?: string | undefined;
  readonly logger: Logger;
  /** Called once, when the session closes; `finished` resolves with its broadcast. */
  readonly onClosing: (session: WhipSession, finished: Promise<void>) => void;
}

export interface SessionStatistics extends ReceiverStatistics {
  readonly sessionId: string;
  readonly stream: StreamId;
  readonly state: SessionState;
  readonly liveSeconds: number;
  readonly failedFeedbackPackets: number;
  readonly droppedCandidates: number;
}

const tickIntervalMs = 10;
const defaultMaxConnectingMs = 10_000;
/**
 * When to send to the publisher's candidates. It reaches out first, unless a firewall on our side
 * needs a packet from within. To do it before the answer is read makes publishers fail that are
 * built on libdatachannel (OBS): DTLS is done before they know our fingerprint, on a busy
 * machine in 2 to 5 of 30 trials.
 */
const reachOutAfterMs = 300;
/** RFC 7675 lets consent live for 30 s; who sends nothing at all for so long is gone before. */
const maxSilenceMs = 8_000;
/** ICE may recover from an interruption; meanwhile another publisher may take over. */
const maxInterruptionMs = 5_000;
/**
 * Senders report at least every second or two: after this the publisher is gone, or its network or
 * machine was stopped for a moment. Another address has to wait until the second is unlikely; the
 * same one is most likely the publisher itself, which has started anew.
 */
const probablyGoneMs = { sameClient: 3_000, otherClient: 6_000 };

/** Wall clock that never runs backwards: the system's clock at the start plus elapsed time. */
function startClock(): () => number {
  const offsetMs = Date.now() - performance.now();
  return () => offsetMs + performance.now();
}

async function closeSink(
  sink: BroadcastSink,
  reason: SessionCloseReason,
  logger: Logger,
): Promise<void> {
  try {
    await sink.close(reason);
  } catch (error) {
    logger.error({ err: error }, 'the broadcast could not be finished');
  }
}

export class WhipSession implements PublisherControl {
  readonly sessionId: string;
  readonly stream: StreamId;
  readonly media: SessionMedia;
  /** Strong, one per ICE session (RFC 9725 §4.3.1); there is one ICE session for life. */
  readonly entityTag = `"${randomBytes(8).toString('hex')}"`;
  readonly #options: WhipSessionOptions;
  readonly #logger: Logger;
  readonly #nowMs = startClock();
  readonly #receiver: RtpReceiver;
  readonly #connection: MediaConnection;
  readonly #startedAtMs: number;
  readonly #limits: PublisherLimitWatch | null;
  #answerSdp = '';
  #state: SessionState = 'connecting';
  #ticker: NodeJS.Timeout | null = null;
  #sink: BroadcastSink | null = null;
  #liveSinceMs: number | null = null;
  #interruptedSinceMs: number | null = null;
  #lastPacketMs: number;
  #trickledCandidates = 0;
  #hasWarned = false;
  /** `null` before the answer and once it is done. */
  #reachOutAtMs: number | null = null;
  #farewell: (() => Promise<void>) | null = null;
  #closing: Promise<void> | null = null;

  /**
   * Connects to a publisher. The answer is ready when this resolves, the connection is not yet.
   * @throws IngestError `offer-not-supported` when libdatachannel cannot answer the offer
   */
  static async start(options: WhipSessionOptions, signal?: AbortSignal): Promise<WhipSession> {
    const session = new WhipSession(options);
    try {
      signal?.throwIfAborted();
      const { filtered, rids } = options.offer;
      const answer = await session.#connection.answer(transportOffer(filtered));
      session.#reachOutAtMs = session.#nowMs() + reachOutAfterMs;
      const { maxBitrateBps } = options.limits ?? {};
      const complete = announceAddresses(
        completeAnswer(answer, filtered, rids),
        options.announcedIps,
      );
      session.#answerSdp = suggestStartBitrate(
        limitBitrate(complete, maxBitrateBps),
        maxBitrateBps,
      );
    } catch (error) {
      await session.close('never-connected');
      throw new IngestError('offer-not-supported', 'The offer could not be answered.', {
        cause: error,
      });
    }
    if (signal?.aborted === true) await session.close('shutdown');
    return session;
  }

  private constructor(options: WhipSessionOptions) {
    const { tracks, transportSequenceExtensionId } = options.offer;
    this.#options = options;
    this.sessionId = options.id;
    this.stream = options.stream;
    this.media = {
      hasVideo: tracks.some(({ kind }) => kind === 'video'),
      hasAudio: tracks.some(({ kind }) => kind === 'audio'),
    };
    this.#logger = options.logger;
    this.#limits = options.limits === undefined ? null : new PublisherLimitWatch(options.limits);
    this.#startedAtMs = this.#nowMs();
    this.#lastPacketMs = this.#startedAtMs;
    this.#receiver = new RtpReceiver({
      tracks,
      transportSequenceExtensionId,
      senderSsrc: randomBytes(4).readUInt32BE(),
      keyframeIntervalMs: options.keyframeIntervalMs,
    });
    this.#connection = new MediaConnection({
      name: options.id,
      bindAddress: options.bindAddress,
      udpPorts: options.udpPorts,
      iceServerUrls: options.iceServerUrls,
      onPacket: (datagram) => this.#guard(() => this.#handlePacket(datagram)),
      onState: (state) => this.#guard(() => this.#handleState(state)),
    });
    this.#ticker = setInterval(() => this.#guard(() => this.#tick()), tickIntervalMs);
  }

  /** The SDP answer; a secret of the session, never to be logged. */
  get answerSdp(): string {
    return this.#answerSdp;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** `a=ice-ufrag` of the offer. */
  get remoteUsernameFragment(): string {
    return this.#options.offer.iceUsernameFragment;
  }

  /** Whether the publisher seems to be gone, so that this client may take over at once. */
  isLostFor(client: string): boolean {
    if (this.#state !== 'live') return this.#state === 'closed';
    const isSame = client === this.#options.client;
    const patienceMs = isSame ? probablyGoneMs.sameClient : probablyGoneMs.otherClient;
    return this.#interruptedSinceMs !== null || this.#nowMs() - this.#lastPacketMs > patienceMs;
  }

  /** Candidates that the publisher found after its offer; what cannot be used is dropped. */
  addRemoteCandidates(candidates: readonly TrickledCandidate[]): void {
    if (this.#state === 'closed') return;
    for (const { candidate, mid } of candidates) {
      if (this.#trickledCandidates >= maxCandidates) return;
      this.#trickledCandidates += 1;
      this.#connection.addRemoteCandidate(candidate, mid ?? this.#options.offer.firstMid);
    }
  }

  /** Set when the connection was lost: tells the broadcast that the publisher will not be back. */
  get farewell(): (() => Promise<void>) | null {
    return this.#farewell;
  }

  requestKeyframe(): void {
    this.#receiver.requestKeyframe();
  }

  statistics(): SessionStatistics {
    const liveMs = this.#liveSinceMs === null ? 0 : this.#nowMs() - this.#liveSinceMs;
    return {
      sessionId: this.sessionId,
      stream: this.stream,
      state: this.#state,
      liveSeconds: liveMs / 1000,
      failedFeedbackPackets: this.#connection.failedSends,
      droppedCandidates: this.#connection.droppedCandidates,
      ...this.#receiver.statistics(),
    };
  }

  /** Ends the session: consent is revoked at once; resolves when the broadcast is finished. */
  close(reason: SessionCloseReason): Promise<void> {
    if (this.#closing !== null) return this.#closing;
    const finished = this.#close(reason);
    this.#closing = finished;
    this.#options.onClosing(this, finished);
    return finished;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close('shutdown');
  }

  async #close(reason: SessionCloseReason): Promise<void> {
    const wasLive = this.#state === 'live';
    this.#state = 'closed';
    if (this.#ticker !== null) clearInterval(this.#ticker);
    this.#ticker = null;
    this.#connection.close();
    if (wasLive) this.#logger.info({ reason }, 'publisher left');
    else this.#logger.info({ reason }, 'publisher never came');
    const sink = this.#sink;
    this.#sink = null;
    const logger = this.#logger;
    // Keeps the sink alone, not this session with its buffers.
    if (sink !== null && reason === 'connection-lost') {
      this.#farewell = () => closeSink(sink, 'deleted', logger);
    }
    if (sink !== null) await closeSink(sink, reason, logger);
  }

  #handleState(state: ConnectionState): void {
    if (this.#state === 'closed') return;
    this.#interruptedSinceMs = state === 'interrupted' ? this.#nowMs() : null;
    if (state === 'connected') this.#goLive();
    if (state === 'interrupted')
      this.#logger.warn('the connection to the publisher is interrupted');
    if (state === 'closed')
      this.#end(this.#state === 'live' ? 'connection-lost' : 'never-connected');
  }

  #goLive(): void {
    if (this.#state !== 'connecting') return;
    this.#state = 'live';
    this.#liveSinceMs = this.#nowMs();
    this.#lastPacketMs = this.#liveSinceMs;
    this.#logger.info(
      { connectMs: Math.round(this.#liveSinceMs - this.#startedAtMs) },
      'publisher is live',
    );
    const sink = this.#options.openBroadcast(this.stream, this);
    // A broadcast that cannot open closes the session from within.
    if (this.#closing === null) this.#sink = sink;
    else void closeSink(sink, 'broadcast-failed', this.#logger);
  }

  #handlePacket(datagram: Uint8Array): void {
    if (this.#state === 'closed') return;
    this.#goLive(); // the first packet may overtake the change of state
    this.#lastPacketMs = this.#nowMs();
    this.#write(this.#receiver.handlePacket(datagram, this.#lastPacketMs));
  }

  #tick(): void {
    const nowMs = this.#nowMs();
    if (this.#state === 'connecting') {
      if (this.#reachOutAtMs !== null && nowMs >= this.#reachOutAtMs) this.#reachOut();
      const patienceMs = this.#options.maxConnectingMs ?? defaultMaxConnectingMs;
      if (nowMs - this.#startedAtMs > patienceMs) this.#end('never-connected');
      return;
    }
    const { frames, rtcp } = this.#receiver.tick(nowMs);
    this.#write(frames);
    if (this.#closing !== null) return; // the broadcast ended the session
    for (const packet of rtcp) this.#connection.send(packet);
    this.#warnOfReordering();
    const interruptedMs = this.#interruptedSinceMs === null ? 0 : nowMs - this.#interruptedSinceMs;
    const isSilent = nowMs - this.#lastPacketMs > maxSilenceMs;
    if (isSilent || interruptedMs > maxInterruptionMs) this.#end('connection-lost');
  }

  #warnOfReordering(): void {
    if (this.#hasWarned || this.#receiver.reorderedFrames === 0) return;
    this.#hasWarned = true;
    this.#logger.warn('the publisher sends B-frames, which are dropped: turn them off (bf=0)');
  }

  #reachOut(): void {
    this.#reachOutAtMs = null;
    const { candidates, firstMid } = this.#options.offer;
    for (const candidate of candidates) this.#connection.addRemoteCandidate(candidate, firstMid);
  }

  #write(frames: readonly EncodedFrame[]): void {
    for (const frame of frames) {
      const exceeded = this.#limits?.exceeded(frame, this.#nowMs()) ?? null;
      if (exceeded !== null) {
        this.#logger.warn(
          { exceeded, ...this.#options.limits },
          'the publisher is over its limits',
        );
        this.#end('over-limit');
        return;
      }
      this.#sink?.writeFrame(frame);
    }
  }

  /** A failure of one session must not take the others with it. */
  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#logger.error({ err: error }, 'the session failed');
      this.#end('broadcast-failed');
    }
  }

  /** Closes from within a callback that cannot wait; the owner waits through `onClosing`. */
  #end(reason: SessionCloseReason): void {
    void this.close(reason);
  }
}
