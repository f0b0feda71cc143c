// The stretches of time that bills are about: today, this month, a year at the present pace. Pure;
// the savings reader asks the store for these spans.

import type { PeriodBytes } from '../../protocol/index.ts';
import { bucketMs, floorTo } from './resolutions.ts';
import type { TimeSpan } from './savings.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const yearDays = 365;
const paceDays = 30;

/** A pace from less time than this would be noise times thousands. */
const leastPaceMs = hourMs;

/** Today and the month begin at midnight UTC: on the hour in every store's coarsest step. */
export function billingSpans(
  nowMs: number,
): Readonly<Record<'today' | 'month' | 'lastMonth', TimeSpan>> {
  const now = new Date(nowMs);
  const midnightMs = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate());
  const monthStartMs = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1);
  const toMs = floorTo(nowMs, hourMs) + hourMs;
  return {
    today: { fromMs: midnightMs, toMs, intervalMs: hourMs },
    month: { fromMs: monthStartMs, toMs, intervalMs: hourMs },
    lastMonth: { fromMs: floorTo(nowMs - paceDays * dayMs, hourMs), toMs, intervalMs: hourMs },
  };
}

export function bytesOf({ cdnBytes, peerBytes, relayedBytes }: PeriodBytes): PeriodBytes {
  return { cdnBytes, peerBytes, relayedBytes };
}

/** A year at the pace since the first point of `window`. */
export function projectYear(
  window: { readonly totals: PeriodBytes; readonly points: readonly { readonly atMs: number }[] },
  nowMs: number,
): PeriodBytes {
  const firstMs = window.points[0]?.atMs;
  if (firstMs === undefined) return { cdnBytes: 0, peerBytes: 0, relayedBytes: 0 };
  const paceMs = Math.max(leastPaceMs, nowMs - firstMs, bucketMs);
  const factor = (yearDays * dayMs) / paceMs;
  return {
    cdnBytes: Math.round(window.totals.cdnBytes * factor),
    peerBytes: Math.round(window.totals.peerBytes * factor),
    relayedBytes: Math.round(window.totals.relayedBytes * factor),
  };
}
