// What an operator should look at, in words: found in a savings summary by fixed rules. Pure; the
// page shows the sentences, newest first.

import { offloadRatio, type SavingsPoint, type SavingsSummary } from '@shoal/tracker/protocol';
import { bytes, clock, count, percent, seconds, text } from './format.ts';

export interface Alert {
  /** When it happened, `null` for what is true of the whole window. */
  readonly atSeconds: number | null;
  readonly sentence: string;
}

/** Intervals before and after a moment that are compared. */
const before = 6;
const after = 3;
/** Less than this is what a handful of viewers do by coming and going. */
const offloadDrop = 0.2;
const viewerDropShare = 0.5;
const leastViewersBefore = 6;
/** A stretch with fewer bytes says nothing about the ratio. */
const leastBytes = 1e6;
/** More than this of the watching time stalled is what viewers notice. */
const stallLimit = 0.02;
/** Reported and measured bytes that differ by more do not fit together. */
export const tolerance = 0.05;
const leastExcessBytes = 5e6;

/** All alerts of the window: moments first, newest on top. */
export function alertsOf(summary: SavingsSummary, withDate: boolean): Alert[] {
  // The last interval is not finished and would look like a drop.
  const moments = momentsOf(summary, withDate).sort(
    (a, b) => (b.atSeconds ?? 0) - (a.atSeconds ?? 0),
  );
  return [...moments, ...wholeWindow(summary)];
}

function momentsOf(summary: SavingsSummary, withDate: boolean): Alert[] {
  const points = summary.series.slice(0, -1);
  const where = summary.stream === null ? '' : ` in ${summary.stream}`;
  const alerts: Alert[] = [];
  for (let index = before; index + after <= points.length; index += 1) {
    const earlier = points.slice(index - before, index);
    const later = points.slice(index, index + after);
    const atSeconds = Date.parse(points[index]?.at ?? '') / 1_000;
    const at = clock(atSeconds, summary.intervalSeconds < 60, withDate);
    const lengthSeconds = after * summary.intervalSeconds;
    const sentence =
      offloadSentence(earlier, later, at, where, lengthSeconds) ??
      audienceSentence(earlier, later, at, where);
    if (sentence === null) continue;
    alerts.push({ atSeconds, sentence });
    // The next intervals still show the same drop.
    index += before;
  }
  return alerts;
}

function offloadSentence(
  earlier: readonly SavingsPoint[],
  later: readonly SavingsPoint[],
  at: string,
  where: string,
  lengthSeconds: number,
): string | null {
  const [from, to] = [sumOf(earlier), sumOf(later)];
  const [high, low] = [offloadRatio(from), offloadRatio(to)];
  if (high === null || low === null || high - low < offloadDrop) return null;
  if (from.cdnBytes + from.peerBytes < leastBytes || to.cdnBytes + to.peerBytes < leastBytes) {
    return null;
  }
  const joined = mostViewers(later) - (earlier.at(-1)?.viewers ?? 0);
  const cause =
    joined >= Math.max(2, mostViewers(earlier) * 0.2)
      ? `: ${count(joined)} viewers joined in ${lengthSeconds} s`
      : '';
  return `Offload fell from ${text(percent(high, 0))} to ${text(percent(low, 0))} at ${at}${where}${cause}.`;
}

function audienceSentence(
  earlier: readonly SavingsPoint[],
  later: readonly SavingsPoint[],
  at: string,
  where: string,
): string | null {
  const [had, has] = [mostViewers(earlier), mostViewers(later)];
  if (had < leastViewersBefore || has > had * (1 - viewerDropShare)) return null;
  return `Viewers fell from ${count(had)} to ${count(has)} at ${at}${where}.`;
}

function wholeWindow(summary: SavingsSummary): Alert[] {
  const sentences: string[] = [];
  const { stallRatio, originEgressBytes, cdnBytes, peerBytes, uploadedBytes } = summary;
  if (stallRatio !== null && stallRatio > stallLimit) {
    sentences.push(`Viewers stalled for ${text(percent(stallRatio))} of the watching time.`);
  }
  const { qualityWithPeers, qualityWithoutPeers, qualityHeldOut } = summary;
  const slow = qualityWithPeers.startupSeconds;
  const quick = qualityHeldOut.startupSeconds ?? qualityWithoutPeers.startupSeconds;
  if (slow !== null && quick !== null && slow > quick * 1.5 && slow - quick > 0.5) {
    sentences.push(
      `Start-up takes ${text(seconds(slow))} with peers and ${text(seconds(quick))} without.`,
    );
  }
  if (originEgressBytes !== null && originEgressBytes > cdnBytes * (1 + tolerance)) {
    if (originEgressBytes - cdnBytes > leastExcessBytes) {
      sentences.push(
        `The origin sent ${text(bytes(originEgressBytes))}, but players report ${text(bytes(cdnBytes))} from the CDN: some do not report, or somebody else downloads.`,
      );
    }
  }
  const { cdnMeasured } = summary;
  if (cdnMeasured !== null && cdnMeasured.measuredBytes > 0) {
    const share = cdnMeasured.reportedBytes / cdnMeasured.measuredBytes - 1;
    if (Math.abs(share) > tolerance) {
      sentences.push(
        `The CDN’s logs say ${text(bytes(cdnMeasured.measuredBytes))}, players report ${text(bytes(cdnMeasured.reportedBytes))} for the same time.`,
      );
    }
  }
  if (peerBytes > uploadedBytes * (1 + tolerance) + leastExcessBytes) {
    sentences.push(
      `Players report ${text(bytes(peerBytes))} from other viewers, who report sending only ${text(bytes(uploadedBytes))}.`,
    );
  }
  if (summary.setAsideBeacons > 0) {
    sentences.push(
      `Reports set aside because they claim more than the stream’s bit rate allows: ${count(summary.setAsideBeacons)}, of together ${text(bytes(summary.setAsideBytes))}.`,
    );
  }
  return sentences.map((sentence) => ({ atSeconds: null, sentence }));
}

function sumOf(points: readonly SavingsPoint[]): { cdnBytes: number; peerBytes: number } {
  return points.reduce(
    (sum, { cdnBytes, peerBytes }) => ({
      cdnBytes: sum.cdnBytes + cdnBytes,
      peerBytes: sum.peerBytes + peerBytes,
    }),
    { cdnBytes: 0, peerBytes: 0 },
  );
}

function mostViewers(points: readonly SavingsPoint[]): number {
  return Math.max(0, ...points.map(({ viewers }) => viewers));
}
