// A savings summary as CSV (RFC 4180) for spreadsheets: one line per interval. Pure; the savings
// routes send it. Nothing in it needs quotes: times, numbers and stream ids.

import { offloadRatio, type SavingsSummary } from '../../protocol/index.ts';

const columns = [
  'at',
  'stream',
  'interval_seconds',
  'viewers',
  'cdn_bytes',
  'peer_bytes',
  'offload_ratio',
];

export function savingsCsv(summary: SavingsSummary): string {
  const lines = summary.series.map((point) =>
    [
      point.at,
      summary.stream ?? '',
      summary.intervalSeconds,
      point.viewers,
      point.cdnBytes,
      point.peerBytes,
      offloadRatio(point)?.toFixed(6) ?? '',
    ].join(','),
  );
  return [columns.join(','), ...lines, ''].join('\r\n');
}
