// Pure: the multivariant playlist (RFC 8216 §4.3.4) of a broadcast or a recording, and the bit
// rates that it announces. The origin serves it, players choose a rendition by it.

/** One rendition as it is stored: pictures, sound, or (in recordings of earlier versions) both. */
export interface Variant {
  readonly name: string;
  /** Relative to the multivariant playlist. */
  readonly uri: string;
  readonly bandwidthBps: number;
  readonly averageBandwidthBps: number;
  /** 0 × 0 without pictures. */
  readonly widthPx: number;
  readonly heightPx: number;
  /** `null` when unknown or without pictures. */
  readonly frameRate: number | null;
  /** RFC 6381. */
  readonly codecs: string;
}

/** `GROUP-ID` of the sound, and what players call it where they let people choose. */
const soundGroup = 'audio';

export interface Presented<Rendition> {
  /** What a player can choose: pictures together with the sound, or sound alone. */
  readonly variants: readonly Rendition[];
  /** The sound that all variants share; `null` where they have their own, or none. */
  readonly sound: Rendition | null;
}

type VariantFormat = Pick<Variant, 'bandwidthBps' | 'heightPx' | 'codecs'>;

/**
 * What the renditions of a broadcast are to players. A variant's bit rates and codecs are those of
 * all that is played with it (RFC 8216 §4.3.4.2).
 */
export function presented<
  Rendition extends VariantFormat & { readonly averageBandwidthBps?: number },
>(renditions: readonly Rendition[]): Presented<Rendition> {
  const pictures = renditions.filter(({ heightPx }) => heightPx > 0);
  const sound = renditions.find(({ heightPx }) => heightPx === 0) ?? null;
  if (pictures.length === 0 || sound === null) return { variants: renditions, sound: null };
  const variants = pictures.map((rendition) => ({
    ...rendition,
    bandwidthBps: rendition.bandwidthBps + sound.bandwidthBps,
    ...(rendition.averageBandwidthBps === undefined || sound.averageBandwidthBps === undefined
      ? {}
      : { averageBandwidthBps: rendition.averageBandwidthBps + sound.averageBandwidthBps }),
    codecs: `${rendition.codecs},${sound.codecs}`,
  }));
  return { variants, sound };
}

function streamLines(variant: Variant, hasSoundGroup: boolean): readonly string[] {
  const attributes = [
    `BANDWIDTH=${Math.ceil(variant.bandwidthBps)}`,
    `AVERAGE-BANDWIDTH=${Math.ceil(variant.averageBandwidthBps)}`,
  ];
  if (variant.heightPx > 0) attributes.push(`RESOLUTION=${variant.widthPx}x${variant.heightPx}`);
  if (variant.frameRate !== null) attributes.push(`FRAME-RATE=${variant.frameRate.toFixed(3)}`);
  attributes.push(`CODECS="${variant.codecs}"`);
  if (hasSoundGroup) attributes.push(`AUDIO="${soundGroup}"`);
  return [`#EXT-X-STREAM-INF:${attributes.join(',')}`, variant.uri];
}

/** RFC 8216 §4.3.4.1. Always two channels: ffmpeg is told so. */
function soundLine({ uri }: Variant): string {
  const attributes = [
    ...['TYPE=AUDIO', `GROUP-ID="${soundGroup}"`, `NAME="${soundGroup}"`],
    ...['DEFAULT=YES', 'AUTOSELECT=YES', 'CHANNELS="2"', `URI="${uri}"`],
  ];
  return `#EXT-X-MEDIA:${attributes.join(',')}`;
}

/** The playlist's text; variants highest first, so that players without a choice start well. */
export function formatMultivariantPlaylist(renditions: readonly Variant[]): string {
  const { variants, sound } = presented(renditions);
  const highestFirst = variants.toSorted((a, b) => b.bandwidthBps - a.bandwidthBps);
  const lines = ['#EXTM3U', '#EXT-X-VERSION:7', '#EXT-X-INDEPENDENT-SEGMENTS'];
  if (sound !== null) lines.push(soundLine(sound));
  const streams = highestFirst.flatMap((variant) => streamLines(variant, sound !== null));
  return `${[...lines, ...streams].join('\n')}\n`;
}

/** Share of bytes that boxes take on top of the encoded media; measured 1–3 % at 360p. */
const containerOverhead = 1.05;
/** ffmpeg's `-maxrate` over `-b:v`. */
const peakOverAverage = 1.1;

/** BANDWIDTH and AVERAGE-BANDWIDTH. */
export interface Bandwidth {
  readonly bandwidthBps: number;
  readonly averageBandwidthBps: number;
}

export interface BandwidthMeterOptions {
  readonly videoBitrateBps: number;
  readonly audioBitrateBps: number;
  readonly targetDurationSeconds: number;
  /** Whether the configured rates are a guess: of a source that is not encoded again. */
  readonly isEstimate?: boolean;
}

/** By how much a raised BANDWIDTH is above what raised it, so that it is seldom raised again. */
const raiseFactor = 1.1;

/** So much must be listed before what was measured says more than what was configured. */
const leastMeasuredSeconds = 10;

/**
 * Bit rates of a rendition. Before there is enough to measure it shows the configured ones. Then
 * the average is the measured one; the peak stays what the encoder may use, raised in steps if it
 * uses more, so that a quiet scene does not tempt players into a rendition that is too much for
 * them. A copy of the source has no such bound: its peak is what was measured.
 */
export class BandwidthMeter {
  readonly #configuredPeakBps: number;
  readonly #configuredAverageBps: number;
  readonly #shortestSeconds: number;
  readonly #isEstimate: boolean;
  #measuredPeakBps = 0;
  #announcedPeakBps: number;
  #totalBits = 0;
  #totalSeconds = 0;

  constructor(configured: BandwidthMeterOptions) {
    const { videoBitrateBps, audioBitrateBps } = configured;
    // RFC 8216 §4.1: the peak is taken over at least half a target duration; a last segment of a
    // few frames around a keyframe says nothing.
    this.#shortestSeconds = configured.targetDurationSeconds / 2;
    this.#isEstimate = configured.isEstimate === true;
    this.#configuredPeakBps = Math.round(
      (videoBitrateBps * peakOverAverage + audioBitrateBps) * containerOverhead,
    );
    this.#configuredAverageBps = Math.round(
      (videoBitrateBps + audioBitrateBps) * containerOverhead,
    );
    this.#announcedPeakBps = this.#configuredPeakBps;
  }

  /** What a live playlist announces. */
  get announced(): Bandwidth {
    const isMeasured = this.#totalSeconds >= leastMeasuredSeconds;
    const peakBps =
      this.#isEstimate && isMeasured
        ? Math.ceil(this.#measuredPeakBps * raiseFactor)
        : this.#announcedPeakBps;
    const averageBps = isMeasured
      ? Math.ceil(this.#totalBits / this.#totalSeconds)
      : this.#configuredAverageBps;
    return { bandwidthBps: peakBps, averageBandwidthBps: Math.min(averageBps, peakBps) };
  }

  /** BANDWIDTH is the rate of the largest segment (RFC 8216 §4.3.4.2). */
  get measured(): Bandwidth {
    if (this.#totalSeconds === 0) return this.announced;
    const averageBandwidthBps = Math.ceil(this.#totalBits / this.#totalSeconds);
    const peakBps = this.#measuredPeakBps === 0 ? this.#announcedPeakBps : this.#measuredPeakBps;
    return {
      bandwidthBps: Math.max(Math.ceil(peakBps), averageBandwidthBps),
      averageBandwidthBps,
    };
  }

  add(segment: { readonly sizeBytes: number; readonly durationSeconds: number }): void {
    if (segment.durationSeconds <= 0) return;
    const bits = segment.sizeBytes * 8;
    this.#totalBits += bits;
    this.#totalSeconds += segment.durationSeconds;
    if (segment.durationSeconds < this.#shortestSeconds) return;
    this.#measuredPeakBps = Math.max(this.#measuredPeakBps, bits / segment.durationSeconds);
    if (this.#measuredPeakBps > this.#announcedPeakBps) {
      this.#announcedPeakBps = Math.ceil(this.#measuredPeakBps * raiseFactor);
    }
  }
}
