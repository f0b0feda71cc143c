// A WebRTC connection that only sends: makes the offer with all candidates, takes the answer and
// says when it is up or lost. The broadcaster joins it with WHIP and the test signal.

import { Audio, PeerConnection, type Track, Video } from 'node-datachannel';
import type { VideoCodec } from './test-signal-arguments.ts';

export interface SendingConnectionOptions {
  readonly codec: VideoCodec;
  readonly videoSsrc: number;
  /** `null` offers no audio. */
  readonly audioSsrc: number | null;
  /** The connection was up and is gone; called at most once, never after `close`. */
  readonly onLost: () => void;
}

/** Payload types of the offer, from the dynamic range (RFC 3551 §6). */
const offeredPayloadTypes = { video: 96, audio: 111 } as const;
const streamName = 'shoal-demo';
const gatherTimeoutMs = 5_000;
const connectTimeoutMs = 15_000;

export class SendingConnection {
  readonly videoTrack: Track;
  readonly audioTrack: Track | null;
  readonly #connection: PeerConnection;
  #wasConnected = false;
  #isClosed = false;
  #onStateChange: (state: string) => void = () => undefined;
  #onGatheringStateChange: (state: string) => void = () => undefined;

  constructor(options: SendingConnectionOptions) {
    const connection = new PeerConnection('synthetic-broadcaster', {
      iceServers: [],
      disableAutoNegotiation: true,
    });
    this.#connection = connection;
    const video = new Video('0', 'SendOnly');
    if (options.codec === 'vp8') video.addVP8Codec(offeredPayloadTypes.video);
    else video.addH264Codec(offeredPayloadTypes.video);
    video.addSSRC(options.videoSsrc, streamName, streamName, 'video');
    this.videoTrack = connection.addTrack(video);
    this.audioTrack = options.audioSsrc === null ? null : this.#addAudio(options.audioSsrc);
    connection.onGatheringStateChange((state) => this.#onGatheringStateChange(state));
    connection.onStateChange((state) => {
      this.#onStateChange(state);
      if (state === 'connected') this.#wasConnected = true;
      const isGone = state === 'failed' || state === 'closed' || state === 'disconnected';
      if (isGone && this.#wasConnected && !this.#isClosed) {
        this.#wasConnected = false;
        options.onLost();
      }
    });
  }

  /** The SDP offer, once all candidates are in it. */
  async offer(signal?: AbortSignal): Promise<string> {
    await this.#awaitState('gathering candidates', gatherTimeoutMs, signal, (settle) => {
      this.#onGatheringStateChange = (state) => {
        if (state === 'complete') settle();
      };
      this.#connection.setLocalDescription('offer');
      if (this.#connection.gatheringState() === 'complete') settle();
    });
    const description = this.#connection.localDescription();
    if (description === null) throw new Error('The connection made no offer.');
    return description.sdp;
  }

  /** Takes the answer and waits for the connection. */
  async connect(answerSdp: string, signal?: AbortSignal): Promise<void> {
    await this.#awaitState('connecting', connectTimeoutMs, signal, (settle) => {
      this.#onStateChange = (state) => {
        if (state === 'connected') settle();
        if (state === 'failed' || state === 'closed') settle(`The connection ${state}.`);
      };
      this.#connection.setRemoteDescription(answerSdp, 'answer');
    });
  }

  /** Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#connection.close();
  }

  #addAudio(ssrc: number): Track {
    const audio = new Audio('1', 'SendOnly');
    audio.addOpusCodec(offeredPayloadTypes.audio);
    audio.addSSRC(ssrc, streamName, streamName, 'audio');
    return this.#connection.addTrack(audio);
  }

  #awaitState(
    activity: string,
    timeoutMs: number,
    signal: AbortSignal | undefined,
    begin: (settle: (problem?: string) => void) => void,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (problem?: unknown): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        if (problem === undefined) resolve();
        else reject(problem instanceof Error ? problem : new Error(String(problem)));
      };
      const abort = (): void => settle(signal?.reason ?? new Error('aborted'));
      const timer = setTimeout(
        () => settle(`Gave up ${activity} after ${timeoutMs} ms.`),
        timeoutMs,
      );
      signal?.addEventListener('abort', abort, { once: true });
      if (signal?.aborted) abort();
      else begin(settle);
    });
  }
}
