// A publisher without a browser: a test picture and a tone, sent through a WHIP endpoint as any
// other publisher does it. The demo, the tests and the benchmarks broadcast with it.

import { randomInt } from 'node:crypto';
import type { Logger } from 'pino';
import { acceptedPayloadType } from './answer-sdp.ts';
import { MediaSender, type MediaSenderStatistics } from './media-sender.ts';
import { SendingConnection } from './sending-connection.ts';
import { findClockFont, TestSignal } from './test-signal.ts';
import type { TestSignalPicture, VideoCodec } from './test-signal-arguments.ts';
import { WhipSession } from './whip-client.ts';

export interface SyntheticBroadcasterOptions {
  /** WHIP endpoint of the stream, for example `http://127.0.0.1:8080/whip/demo`. */
  readonly whipUrl: string;
  readonly key: string;
  /** An ffmpeg with libopus, and libx264 or libvpx. */
  readonly ffmpegPath: string;
  readonly widthPx?: number | undefined;
  readonly heightPx?: number | undefined;
  readonly framesPerSecond?: number | undefined;
  readonly videoBitrateBps?: number | undefined;
  readonly codec?: VideoCodec | undefined;
  readonly audio?: boolean | undefined;
  readonly logger?: Logger | undefined;
  /** The broadcast ended by itself and was closed; called at most once. */
  readonly onEnd?: ((reason: BroadcastEnd) => void) | undefined;
}

export type BroadcastEnd = 'connection-lost' | 'encoder-failed';

/** 720p at 30 frames a second takes about a quarter of a core with these. */
export const broadcasterDefaults = {
  widthPx: 1280,
  heightPx: 720,
  framesPerSecond: 30,
  videoBitrateBps: 2_000_000,
  codec: 'h264',
  audio: true,
} as const;

export interface BroadcasterStatistics {
  readonly video: MediaSenderStatistics;
  /** `null` when no audio is sent. */
  readonly audio: MediaSenderStatistics | null;
}

interface Parts {
  readonly connection: SendingConnection;
  readonly videoSender: MediaSender;
  readonly audioSender: MediaSender | null;
}

/** RTP clock rates: RFC 6184 §8.2.1 and RFC 7741 §6.1 for video, RFC 7587 §4.1 for Opus. */
const clockRatesHz = { video: 90_000, audio: 48_000 } as const;

export class SyntheticBroadcaster {
  readonly #options: SyntheticBroadcasterOptions;
  readonly #parts: Parts;
  #session: WhipSession | null = null;
  #signal: TestSignal | null = null;
  #mediaStartMs: number | null = null;
  #closing: Promise<void> | null = null;

  private constructor(options: SyntheticBroadcasterOptions) {
    this.#options = options;
    const videoSsrc = randomInt(1, 2 ** 31);
    const audioSsrc = (options.audio ?? broadcasterDefaults.audio) ? randomInt(1, 2 ** 31) : null;
    const connection = new SendingConnection({
      codec: options.codec ?? broadcasterDefaults.codec,
      videoSsrc,
      audioSsrc,
      onLost: () => this.#end('connection-lost'),
    });
    this.#parts = {
      connection,
      videoSender: new MediaSender(connection.videoTrack, videoSsrc, clockRatesHz.video),
      audioSender:
        connection.audioTrack && audioSsrc !== null
          ? new MediaSender(connection.audioTrack, audioSsrc, clockRatesHz.audio)
          : null,
    };
  }

  /**
   * Publishes; resolves when the connection is up and ffmpeg runs.
   * @throws WhipError when the endpoint refuses; Error when the connection or ffmpeg fails
   */
  static async start(
    options: SyntheticBroadcasterOptions,
    signal?: AbortSignal,
  ): Promise<SyntheticBroadcaster> {
    const broadcaster = new SyntheticBroadcaster(options);
    try {
      await broadcaster.#publish(signal);
    } catch (error) {
      await broadcaster.close('start failed');
      throw error;
    }
    options.logger?.info({ whipUrl: options.whipUrl }, 'broadcast started');
    return broadcaster;
  }

  /** URL of the WHIP session. */
  get sessionUrl(): string {
    if (this.#session === null) throw new Error('The broadcast is not started.');
    return this.#session.sessionUrl;
  }

  statistics(): BroadcasterStatistics {
    const { videoSender, audioSender } = this.#parts;
    return { video: videoSender.statistics, audio: audioSender?.statistics ?? null };
  }

  /** Ends the session with a DELETE and frees everything. Idempotent. */
  close(reason: string): Promise<void> {
    this.#closing ??= this.#release(reason);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close('disposed');
  }

  async #publish(signal: AbortSignal | undefined): Promise<void> {
    const { connection } = this.#parts;
    const offerSdp = await connection.offer(signal);
    const { whipUrl, key } = this.#options;
    const session = await WhipSession.publish({ whipUrl, key, offerSdp }, signal);
    this.#session = session;
    await connection.connect(session.answerSdp, signal);
    this.#signal = await this.#startSignal(session.answerSdp);
    signal?.throwIfAborted();
  }

  async #startSignal(answerSdp: string): Promise<TestSignal> {
    const { ffmpegPath } = this.#options;
    const picture = this.#picture();
    const { videoSender, audioSender } = this.#parts;
    const videoPayloadType = acceptedPayloadType(answerSdp, 'video', picture.codec);
    if (videoPayloadType === null) throw new Error(`The server does not take ${picture.codec}.`);
    const audioPayloadType = acceptedPayloadType(answerSdp, 'audio', 'opus');
    return await TestSignal.start({
      ffmpegPath,
      picture: { ...picture, clockFontPath: await findClockFont(ffmpegPath) },
      video: { ssrc: videoSender.ssrc, payloadType: videoPayloadType },
      audio:
        audioSender && audioPayloadType !== null
          ? { ssrc: audioSender.ssrc, payloadType: audioPayloadType }
          : null,
      onPacket: (kind, packet) => {
        this.#mediaStartMs ??= performance.now();
        (kind === 'video' ? videoSender : audioSender)?.send(packet, this.#mediaStartMs);
      },
      onFailure: (error) => {
        this.#options.logger?.error({ err: error }, 'test signal failed');
        this.#end('encoder-failed');
      },
    });
  }

  #picture(): Omit<TestSignalPicture, 'clockFontPath'> {
    const options = this.#options;
    return {
      widthPx: options.widthPx ?? broadcasterDefaults.widthPx,
      heightPx: options.heightPx ?? broadcasterDefaults.heightPx,
      framesPerSecond: options.framesPerSecond ?? broadcasterDefaults.framesPerSecond,
      videoBitrateBps: options.videoBitrateBps ?? broadcasterDefaults.videoBitrateBps,
      codec: options.codec ?? broadcasterDefaults.codec,
    };
  }

  #end(reason: BroadcastEnd): void {
    if (this.#closing !== null) return;
    void this.close(reason).then(() => this.#options.onEnd?.(reason));
  }

  async #release(reason: string): Promise<void> {
    const { connection, videoSender, audioSender } = this.#parts;
    await this.#signal?.close();
    videoSender.close();
    audioSender?.close();
    try {
      await this.#session?.delete();
    } catch (error) {
      // The server notices the lost connection by itself, only later.
      this.#options.logger?.warn({ err: error }, 'session not deleted');
    }
    connection.close();
    if (this.#session) this.#options.logger?.info({ reason }, 'broadcast ended');
  }
}
