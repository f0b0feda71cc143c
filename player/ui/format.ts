// Figures as people read them: bytes, shares and seconds in a few characters.
// Pure; the overlay's model and the live badge use it.

/** What stands where a figure is not known yet. */
export const unknownFigure = '–';

const byteUnits = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** Decimal units (1 kB = 1000 B, as CDNs bill), three significant digits: `1.23 MB`. */
export function formatBytes(sizeBytes: number): string {
  let value = Math.max(0, sizeBytes);
  let unit: (typeof byteUnits)[number] = 'B';
  for (const larger of byteUnits.slice(1)) {
    // 999.5 would be written as `1000`: the larger unit says it better.
    if (value < 999.5) break;
    value /= 1000;
    unit = larger;
  }
  return `${unit === 'B' ? Math.round(value) : threeDigits(value)} ${unit}`;
}

function threeDigits(value: number): string {
  if (value < 9.995) return value.toFixed(2);
  return value < 99.95 ? value.toFixed(1) : value.toFixed(0);
}

/** Bits per second with two digits: `850 kbit/s`, `2.4 Mbit/s`. */
export function formatBitrate(bitrateBps: number): string {
  const kilobits = Math.max(0, bitrateBps) / 1_000;
  if (kilobits < 0.5) return '0';
  if (kilobits < 999.5) return `${kilobits.toFixed(0)} kbit/s`;
  return `${(kilobits / 1_000).toFixed(1)} Mbit/s`;
}

/**
 * A share in whole percent. Never `0 %` or `100 %` unless it is exactly that, so that a first
 * shared segment is seen and a last one from the CDN is not hidden.
 * @param ratio 0…1, `null` when unknown
 */
export function formatPercent(ratio: number | null): string {
  if (ratio === null) return unknownFigure;
  if (ratio <= 0) return '0 %';
  if (ratio >= 1) return '100 %';
  return `${Math.min(99, Math.max(1, Math.round(ratio * 100)))} %`;
}

/** Seconds with one decimal below ten, minutes above 90 s; `null` when unknown. */
export function formatSeconds(seconds: number | null): string {
  if (seconds === null) return unknownFigure;
  if (seconds < 9.95) return `${Math.max(0, seconds).toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole <= 90) return `${whole} s`;
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')} min`;
}
