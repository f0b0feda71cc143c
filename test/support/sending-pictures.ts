// A publisher of small H.264 pictures over a connection of its own, packet by packet, for tests
// that need to say what is sent. The pictures are real and all keyframes.

import type { SendingConnection } from '../../infra/demo/sending-connection.ts';
import { encodeH264AccessUnits } from './encoded-samples.ts';
import { packH264, writeRtpPacket } from './rtp-packetizer.ts';

/** What `SendingConnection` offers for video. */
const payloadType = 96;
export const pictureSsrc = 4_711;
const framesPerSecond = 10;

export class SendingPictures {
  readonly #connection: SendingConnection;
  readonly #pictures = encodeH264AccessUnits('160x96', 5, 1);
  #timer: NodeJS.Timeout | null = null;
  #sequenceNumber = 100;
  #count = 0;

  constructor(connection: SendingConnection) {
    this.#connection = connection;
  }

  /** After so many the pictures repeat. */
  get distinctPictures(): number {
    return this.#pictures.length;
  }

  /** Sends ten pictures a second from now on. */
  start(): void {
    this.#timer ??= setInterval(() => {
      for (const packet of this.nextPackets()) this.send(packet);
    }, 1000 / framesPerSecond);
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** The packets of the next picture. */
  nextPackets(): Uint8Array[] {
    const picture = this.#pictures[this.#count % this.#pictures.length] ?? [];
    const payloads = packH264(picture, 1_100);
    const timestamp = this.#count * (90_000 / framesPerSecond);
    this.#count += 1;
    return payloads.map((payload, index) => {
      this.#sequenceNumber += 1;
      return writeRtpPacket({
        payloadType,
        sequenceNumber: this.#sequenceNumber,
        timestamp,
        ssrc: pictureSsrc,
        marker: index === payloads.length - 1,
        payload,
      });
    });
  }

  send(packet: Uint8Array): void {
    this.#connection.videoTrack.sendMessageBinary(Buffer.from(packet));
  }
}
