// How fast this viewer's CDN has been of late, seen pessimistically: the hedge must not come late.
// Fed by what fetches from the CDN, read by the scheduler.

export interface CdnSpeed {
  /** 95th percentile of the times to the first byte. */
  readonly firstByteMs: number;
  /** 20th percentile of the rates after it; the hedge has a factor of its own on top. */
  readonly bytesPerMs: number;
}

const rememberedFetches = 20;
const initialSpeed: CdnSpeed = { firstByteMs: 150, bytesPerMs: 1_000 };
/** Shorter transfers say more about scheduling than about the line. */
const leastMeasuredBytes = 64 * 1024;

export class CdnSpeedMeter {
  readonly #firstBytesMs: number[] = [];
  readonly #rates: number[] = [];
  #speed = initialSpeed;

  get speed(): CdnSpeed {
    return this.#speed;
  }

  observeFirstByte(tookMs: number): void {
    remember(this.#firstBytesMs, tookMs);
    this.#speed = {
      ...this.#speed,
      firstByteMs: percentile(this.#firstBytesMs, 0.95) ?? initialSpeed.firstByteMs,
    };
  }

  observeTransfer(sizeBytes: number, tookMs: number): void {
    if (sizeBytes < leastMeasuredBytes) return;
    remember(this.#rates, sizeBytes / Math.max(1, tookMs));
    this.#speed = {
      ...this.#speed,
      bytesPerMs: percentile(this.#rates, 0.2) ?? initialSpeed.bytesPerMs,
    };
  }
}

function remember(samples: number[], sample: number): void {
  samples.push(sample);
  if (samples.length > rememberedFetches) samples.shift();
}

function percentile(samples: readonly number[], share: number): number | null {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? null;
}
