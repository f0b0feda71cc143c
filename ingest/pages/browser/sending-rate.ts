// Bit rate and picture size that leave this browser, from two readings of the connection's
// statistics. Pure; `broadcast-page.ts` reads once per second and shows the text.

/** One reading of the outbound video and audio. */
export interface SendingReading {
  readonly timestampMs: number;
  readonly bytesSent: number;
  readonly widthPx: number | null;
  readonly heightPx: number | null;
  readonly framesPerSecond: number | null;
}

function numberOf(entry: object, name: string): number | null {
  const value: unknown = Reflect.get(entry, name);
  return typeof value === 'number' ? value : null;
}

/** @param report of `RTCPeerConnection.getStats()`; any other iterable of its entries will do */
export function readSending(report: Pick<RTCStatsReport, 'forEach'>): SendingReading {
  let reading: SendingReading = {
    timestampMs: 0,
    bytesSent: 0,
    widthPx: null,
    heightPx: null,
    framesPerSecond: null,
  };
  report.forEach((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null) return;
    if (Reflect.get(entry, 'type') !== 'outbound-rtp') return;
    reading = {
      timestampMs: numberOf(entry, 'timestamp') ?? reading.timestampMs,
      bytesSent: reading.bytesSent + (numberOf(entry, 'bytesSent') ?? 0),
      widthPx: numberOf(entry, 'frameWidth') ?? reading.widthPx,
      heightPx: numberOf(entry, 'frameHeight') ?? reading.heightPx,
      framesPerSecond: numberOf(entry, 'framesPerSecond') ?? reading.framesPerSecond,
    };
  });
  return reading;
}

/** For example `2.4 Mbit/s · 1280 × 720 · 30 fps`; parts that are not known are left out. */
export function sendingText(before: SendingReading | null, now: SendingReading): string {
  const parts: string[] = [];
  if (before !== null && now.timestampMs > before.timestampMs) {
    const seconds = (now.timestampMs - before.timestampMs) / 1000;
    parts.push(formatBitrate(((now.bytesSent - before.bytesSent) * 8) / seconds));
  }
  if (now.widthPx !== null && now.heightPx !== null) parts.push(`${now.widthPx} × ${now.heightPx}`);
  if (now.framesPerSecond !== null) parts.push(`${Math.round(now.framesPerSecond)} fps`);
  return parts.join(' · ');
}

/** Decimal units: `850 kbit/s`, `2.4 Mbit/s`. */
export function formatBitrate(bitrateBps: number): string {
  const bounded = Math.max(0, bitrateBps);
  return bounded < 999_500
    ? `${Math.round(bounded / 1000)} kbit/s`
    : `${(bounded / 1_000_000).toFixed(1)} Mbit/s`;
}
