// Pure: silent Opus packets where the source has no sound and the broadcast has: for a session
// without a microphone, and while one has stalled. The transcoder writes them beside the pictures, so
// that the segments of sound go on with those of the pictures.

/** One packet of RFC 6716: 20 ms of stereo silence at full band, in CELT mode. */
const silentPacket = Uint8Array.of(0xfc, 0xff, 0xfe);
const packetMs = 20;
/** After a stall only so much is written out; ffmpeg's resampler fills what lies before. */
const maxBurstMs = 500;
/** How far the sound of a source that has any may lie behind its pictures; then it has stalled. */
const maxSoundDelayMs = 1_000;

export interface SilentPacket {
  readonly timeMs: number;
  readonly payload: Uint8Array;
}

export class Silence {
  readonly #delayMs: number;
  #nextMs = 0;
  /** Where the last silence ended. */
  #silentUntilMs = 0;

  /** @param hasSound whether the source has sound, which may stall */
  constructor(hasSound: boolean) {
    this.#delayMs = hasSound ? maxSoundDelayMs : 0;
  }

  /** The packets that a picture at `timeMs` shows to be missing, and that were not given yet. */
  beside(timeMs: number): readonly SilentPacket[] {
    const untilMs = timeMs - this.#delayMs;
    const packets: SilentPacket[] = [];
    if (this.#nextMs > untilMs) return packets;
    this.#nextMs = Math.max(this.#nextMs, untilMs - maxBurstMs);
    for (; this.#nextMs <= untilMs; this.#nextMs += packetMs) {
      packets.push({ timeMs: this.#nextMs, payload: silentPacket });
    }
    this.#silentUntilMs = this.#nextMs;
    return packets;
  }

  /** Sound came. @returns `false` when silence stands where it belongs */
  hear(timeMs: number): boolean {
    if (timeMs < this.#silentUntilMs) return false;
    this.#nextMs = Math.max(this.#nextMs, timeMs + packetMs);
    return true;
  }
}
