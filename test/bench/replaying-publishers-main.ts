// The process of the replaying publishers: connects them one after the other, sends the frames of
// all of them from one clock, and ends their sessions when it is asked to.

import { readFileSync } from 'node:fs';
import { deserialize } from 'node:v8';
import { acceptedPayloadType } from '../../infra/demo/answer-sdp.ts';
import { MediaSender } from '../../infra/demo/media-sender.ts';
import { SendingConnection } from '../../infra/demo/sending-connection.ts';
import { WhipSession } from '../../infra/demo/whip-client.ts';
import type { EncodedFrame } from '../../ingest/rtp/encoded-frame.ts';
import { parameterSetsOf } from '../../ingest/transcode/parameter-sets.ts';
import { packH264, writeRtpPacket } from '../support/rtp-packetizer.ts';
import type { ReplayBeginning, ReplayOrder } from './replaying-publishers.ts';

const maxPayloadBytes = 1_150;

/** One frame in packets, at its time from the beginning of the loop. */
interface PackedFrame {
  readonly kind: 'video' | 'audio';
  readonly atMs: number;
  readonly payloads: readonly Uint8Array[];
}

function unitsOf(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const units: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = view.getUint32(at);
    units.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return units;
}

function pack(frame: EncodedFrame): PackedFrame {
  const { kind, captureTimeMs: atMs, payload } = frame;
  if (kind === 'audio') return { kind, atMs, payloads: [payload] };
  const sets = frame.configuration?.decoderConfiguration ?? null;
  const parameters = sets === null ? [] : unitsOf(parameterSetsOf(sets));
  return { kind, atMs, payloads: packH264([...parameters, ...unitsOf(payload)], maxPayloadBytes) };
}

class Publisher {
  readonly session: WhipSession;
  readonly #frames: readonly PackedFrame[];
  readonly #loopMs: number;
  readonly #senders: Readonly<Record<'video' | 'audio', MediaSender>>;
  readonly #payloadTypes: Readonly<Record<'video' | 'audio', number>>;
  readonly #sequenceNumbers = { video: 0, audio: 0 };
  readonly #startMs = performance.now();
  #next = 0;

  constructor(
    frames: readonly PackedFrame[],
    loopMs: number,
    connection: SendingConnection,
    session: WhipSession,
  ) {
    this.#frames = frames;
    this.#loopMs = loopMs;
    this.session = session;
    if (connection.audioTrack === null) throw new Error('the connection has no audio');
    this.#senders = {
      video: new MediaSender(connection.videoTrack, 11, 90_000),
      audio: new MediaSender(connection.audioTrack, 12, 48_000),
    };
    this.#payloadTypes = {
      video: acceptedPayloadType(session.answerSdp, 'video', 'h264') ?? 0,
      audio: acceptedPayloadType(session.answerSdp, 'audio', 'opus') ?? 0,
    };
  }

  /** Sends what is due. */
  tick(): void {
    const nowMs = performance.now() - this.#startMs;
    for (;;) {
      const frame = this.#frames[this.#next % this.#frames.length];
      if (frame === undefined) return;
      const dueMs = frame.atMs + Math.floor(this.#next / this.#frames.length) * this.#loopMs;
      if (dueMs > nowMs) return;
      this.#next += 1;
      this.#send(frame, dueMs);
    }
  }

  #send({ kind, payloads }: PackedFrame, dueMs: number): void {
    const clockRateHz = kind === 'video' ? 90_000 : 48_000;
    for (const [index, payload] of payloads.entries()) {
      this.#sequenceNumbers[kind] += 1;
      const packet = writeRtpPacket({
        payloadType: this.#payloadTypes[kind],
        sequenceNumber: this.#sequenceNumbers[kind] & 0xffff,
        timestamp: Math.round((dueMs * clockRateHz) / 1_000) >>> 0,
        ssrc: kind === 'video' ? 11 : 12,
        marker: kind === 'video' && index === payloads.length - 1,
        payload,
      });
      this.#senders[kind].send(Buffer.from(packet), this.#startMs);
    }
  }
}

const order: ReplayOrder = JSON.parse(process.argv[2] ?? '');
const encoded: EncodedFrame[] = deserialize(readFileSync(order.framesPath));
const frames = encoded.map(pack);
const publishers: Publisher[] = [];

setInterval(() => {
  for (const publisher of publishers) publisher.tick();
}, 5);

process.once('SIGTERM', async () => {
  await Promise.allSettled(publishers.map(({ session }) => session.delete()));
  process.exit(0);
});

for (const whipUrl of order.whipUrls) {
  const connection = new SendingConnection({
    ...{ codec: 'h264', videoSsrc: 11, audioSsrc: 12 },
    onLost: () => console.error(`${whipUrl} was lost`),
  });
  const offerSdp = await connection.offer();
  const postedAtMs = Date.now();
  const session = await WhipSession.publish({ whipUrl, key: order.key, offerSdp });
  await connection.connect(session.answerSdp);
  publishers.push(new Publisher(frames, order.loopMs, connection, session));
  const beginning: ReplayBeginning = { whipUrl, postedAtMs, firstFrameAtMs: Date.now() };
  process.send?.(beginning);
  await new Promise((resolve) => setTimeout(resolve, order.staggerMs));
}
