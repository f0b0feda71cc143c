// Numbers as people read them: SI units, three digits, the unit apart so that it can be set
// smaller. Pure; used by every part of the page.

export interface Quantity {
  readonly value: string;
  readonly unit: string;
}

export const missing = '–';

const prefixes = ['', 'k', 'M', 'G', 'T', 'P'];

/** Three significant digits in SI steps of 1000, as CDNs bill. */
function scale(amount: number, unit: string): Quantity {
  let step = 0;
  let scaled = amount;
  // 999.5 and more would be written as 1000 of the smaller unit.
  while (Math.abs(scaled) >= 999.5 && step < prefixes.length - 1) {
    scaled /= 1000;
    step += 1;
  }
  const digits = step === 0 ? 0 : Math.abs(scaled) >= 99.95 ? 0 : Math.abs(scaled) >= 9.995 ? 1 : 2;
  return { value: scaled.toFixed(digits), unit: `${prefixes[step] ?? ''}${unit}` };
}

export function bitrate(bps: number): Quantity {
  return scale(bps, 'bit/s');
}

export function bytes(sizeBytes: number): Quantity {
  return scale(sizeBytes, 'B');
}

export function percent(ratio: number | null, digits = 1): Quantity {
  if (ratio === null) return { value: missing, unit: '' };
  return { value: (ratio * 100).toFixed(digits).replace('-', '−'), unit: '%' };
}

export function seconds(duration: number | null): Quantity {
  if (duration === null) return { value: missing, unit: '' };
  return { value: duration.toFixed(duration < 10 ? 2 : 1), unit: 's' };
}

/** Small sums keep the digits that matter: a test stream saves tenths of a cent. */
export function money(amount: number, currency: string): string {
  return new Intl.NumberFormat('en', {
    style: 'currency',
    currency,
    minimumFractionDigits: 2,
    maximumFractionDigits: amount < 0.1 ? 4 : 2,
  }).format(amount);
}

const dayFormat = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short' });

export function count(amount: number): string {
  return new Intl.NumberFormat('en').format(amount);
}

/** How long something lasts, in the largest unit that fits. */
export function duration(lengthSeconds: number): string {
  const hours = lengthSeconds / 3_600;
  if (hours >= 48) return `${count(Math.round(hours / 24))} days`;
  if (hours >= 2) return `${Math.round(hours)} hours`;
  const minutes = Math.max(1, Math.round(lengthSeconds / 60));
  return minutes === 1 ? '1 minute' : `${minutes} minutes`;
}

export function text({ value, unit }: Quantity): string {
  return unit === '' ? value : unit === '%' ? `${value} %` : `${value} ${unit}`;
}

/** Round ticks without needless zeros: `2 Mbit/s`, `1.5 Mbit/s`. */
export function bitrateTick(bps: number): string {
  if (bps === 0) return '0';
  const { value, unit } = bitrate(bps);
  return `${Number(value)} ${unit}`;
}

/**
 * Local time of day; seconds only where ticks are closer than a minute, the day where the window is
 * longer than one.
 */
export function clock(timeSeconds: number, withSeconds: boolean, withDate = false): string {
  const time = new Date(timeSeconds * 1000);
  const day = withDate ? `${dayFormat.format(time)}, ` : '';
  const two = (part: number): string => String(part).padStart(2, '0');
  const minutes = `${day}${two(time.getHours())}:${two(time.getMinutes())}`;
  return withSeconds ? `${minutes}:${two(time.getSeconds())}` : minutes;
}
