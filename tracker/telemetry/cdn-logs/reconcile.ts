// Reads CDN logs and holds what the CDN sent against what viewers report to have got from it. The
// command in main.ts prints what it returns; the tracker's savings API is the other side.

import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { z } from 'zod';
import { type CdnLogFormat, createLineParser, type MediaTransfer } from '../pure/cdn-logs.ts';
import { type CdnUsage, cdnUsageStepMs } from '../pure/cdn-usage.ts';
import { chooseIntervalSeconds, floorTo } from '../pure/resolutions.ts';

/** Above this share, reported and measured bytes do not fit together. */
export const tolerance = 0.05;

export interface LogSums {
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  readonly bytesByStream: ReadonlyMap<string, number>;
  /** The same by minute, keyed `start of the minute in milliseconds/stream`. */
  readonly usage: ReadonlyMap<string, CdnUsage>;
  readonly unreadableLines: number;
}

/** The media bytes in log files (`.gz` too), per stream; `null` when they hold no media at all. */
export async function sumLogs(
  format: CdnLogFormat,
  files: readonly string[],
): Promise<LogSums | null> {
  const bytesByStream = new Map<string, number>();
  const usage = new Map<string, CdnUsage>();
  let [firstAtMs, lastAtMs, unreadableLines] = [Number.POSITIVE_INFINITY, 0, 0];
  for (const file of files) {
    const parse = createLineParser(format);
    const bytes = createReadStream(file);
    const input = file.endsWith('.gz') ? bytes.pipe(createGunzip()) : bytes;
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      const parsed = parse(line);
      if (parsed === 'unreadable') unreadableLines += 1;
      if (typeof parsed === 'string') continue;
      firstAtMs = Math.min(firstAtMs, parsed.atMs);
      lastAtMs = Math.max(lastAtMs, parsed.atMs);
      bytesByStream.set(parsed.stream, (bytesByStream.get(parsed.stream) ?? 0) + parsed.bytes);
      addUsage(usage, parsed);
    }
  }
  if (bytesByStream.size === 0) return null;
  return { firstAtMs, lastAtMs, bytesByStream, usage, unreadableLines };
}

function addUsage(usage: Map<string, CdnUsage>, { atMs, stream, bytes }: MediaTransfer): void {
  const stepAtMs = floorTo(atMs, cdnUsageStepMs);
  const key = `${stepAtMs}/${stream}`;
  usage.set(key, { atMs: stepAtMs, stream, bytes: (usage.get(key)?.bytes ?? 0) + bytes });
}

export interface Reconciliation {
  readonly stream: string;
  /** What the CDN's log says it sent. */
  readonly measuredBytes: number;
  /** What viewers report to have got from the CDN in the same time. */
  readonly reportedBytes: number;
  /** `reported / measured − 1`, `null` when the CDN sent nothing. */
  readonly difference: number | null;
  readonly isWithinTolerance: boolean;
}

const summary = z.object({
  intervalSeconds: z.number(),
  series: z.array(z.object({ at: z.string(), cdnBytes: z.number() })),
});

/**
 * Asks the tracker for the same stretch of time, stream by stream.
 * @throws Error when the tracker does not answer as it should
 */
export async function reconcile(
  logs: LogSums,
  trackerUrl: string,
  dashboardToken: string | null,
): Promise<Reconciliation[]> {
  const { fromMs, toMs } = wholeIntervals(logs);
  const headers = dashboardToken === null ? {} : { authorization: `Bearer ${dashboardToken}` };
  const results: Reconciliation[] = [];
  for (const [stream, measuredBytes] of logs.bytesByStream) {
    const query = new URLSearchParams({
      stream,
      windowSeconds: String((toMs - fromMs) / 1_000),
      until: new Date(toMs).toISOString(),
    });
    const response = await fetch(`${trackerUrl}/api/v1/savings?${query}`, { headers });
    if (!response.ok) throw new Error(`the tracker answered ${response.status} for ${stream}`);
    const { series } = summary.parse(await response.json());
    const reportedBytes = series
      .filter(({ at }) => Date.parse(at) >= fromMs && Date.parse(at) < toMs)
      .reduce((sum, { cdnBytes }) => sum + cdnBytes, 0);
    const difference = measuredBytes > 0 ? reportedBytes / measuredBytes - 1 : null;
    results.push({
      stream,
      measuredBytes,
      reportedBytes,
      difference,
      isWithinTolerance: difference !== null && Math.abs(difference) <= tolerance,
    });
  }
  return results.sort((a, b) => b.measuredBytes - a.measuredBytes);
}

/** Viewers report after they have received: one interval more than the log covers. */
function wholeIntervals({ firstAtMs, lastAtMs }: LogSums): { fromMs: number; toMs: number } {
  const stepMs = Math.max(60, chooseIntervalSeconds((lastAtMs - firstAtMs) / 1_000 + 60)) * 1_000;
  return { fromMs: floorTo(firstAtMs, stepMs), toMs: floorTo(lastAtMs, stepMs) + 2 * stepMs };
}
