// Pure: silent Opus packets for a session without sound whose broadcast has sound. The transcoder
// writes them beside the pictures, so that the renditions keep both of their tracks.

/** One packet of RFC 6716: 20 ms of stereo silence at full band, in CELT mode. */
const silentPacket = Uint8Array.of(0xfc, 0xff, 0xfe);
const packetMs = 20;
/** After a stall only so much is written out; ffmpeg's resampler fills what lies before. */
const maxBurstMs = 500;

export interface SilentPacket {
  readonly timeMs: number;
  readonly payload: Uint8Array;
}

export class Silence {
  #nextMs = 0;

  /** The packets that start at or before `timeMs` and were not given yet. */
  until(timeMs: number): readonly SilentPacket[] {
    const packets: SilentPacket[] = [];
    this.#nextMs = Math.max(this.#nextMs, timeMs - maxBurstMs);
    for (; this.#nextMs <= timeMs; this.#nextMs += packetMs) {
      packets.push({ timeMs: this.#nextMs, payload: silentPacket });
    }
    return packets;
  }
}
