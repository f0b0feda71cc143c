// Answers the two questions of the dashboard from store and sessions: what was saved, and by
// which streams. Shared by the routes and the event stream, with a short memory so that many
// clients who ask the same cost one query.

import type { StreamId } from '@shoal/ingest/protocol';
import {
  offloadRatio,
  type RegionSavingsList,
  type SavingsPeriods,
  type SavingsSummary,
  type StreamSavings,
  type StreamSavingsList,
} from '../protocol/index.ts';
import { billingSpans, bytesOf, projectYear } from './pure/periods.ts';
import { finestKeptStepMs, reachSpan } from './pure/resolutions.ts';
import { joinAudiences, spanOfNow, spanOfWindow, summarizeSavings } from './pure/savings.ts';
import { type Audience, type SessionTable, viewerTimeoutMs } from './pure/session-table.ts';
import type { TelemetryStore } from './telemetry-store.ts';

const memoryMs = 500;
const reachMemoryMs = 5_000;
const maxRemembered = 500;
const nobody: Audience = { viewers: 0, liveLatencySeconds: null };

export interface SavingsQuery {
  readonly stream: StreamId | null;
  readonly windowSeconds: number;
  /** Where the window ends; absent for now. */
  readonly untilMs?: number;
}

export interface SavingsReaderOptions {
  readonly store: TelemetryStore;
  readonly sessions: SessionTable;
  readonly pricePerGb: number;
  readonly currency: string;
  /** Streams on air, or `null` when that is not known. */
  readonly liveStreams: () => readonly StreamId[] | null;
  /** Ingest's URL as clients see it. */
  readonly publicIngestUrl: string | null;
}

export class SavingsReader {
  readonly #options: SavingsReaderOptions;
  readonly #remembered = new Map<string, { atMs: number; summary: Promise<SavingsSummary> }>();

  readonly #rememberedReach = new Map<string, { atMs: number; count: number }>();

  constructor(options: SavingsReaderOptions) {
    this.#options = options;
  }

  /** Rejects with the store's error. */
  summary(query: SavingsQuery, nowMs: number): Promise<SavingsSummary> {
    if (query.untilMs !== undefined) {
      const ageMs = nowMs - query.untilMs + query.windowSeconds * 1_000;
      return this.#read(query, query.untilMs, finestKeptStepMs(ageMs));
    }
    const key = `${query.windowSeconds}/${query.stream ?? ''}`;
    const known = this.#remembered.get(key);
    if (known && nowMs - known.atMs < memoryMs) return known.summary;
    if (this.#remembered.size >= maxRemembered) this.#remembered.clear();
    const summary = this.#read(query, nowMs);
    this.#remembered.set(key, { atMs: nowMs, summary });
    summary.catch(() => this.#remembered.delete(key));
    return summary;
  }

  /** What was saved today and this month, and a year at the pace of the last 30 days. */
  async periods(stream: StreamId | null, nowMs: number): Promise<SavingsPeriods> {
    const { store, pricePerGb, currency } = this.#options;
    const { today, month, lastMonth } = billingSpans(nowMs);
    const [ofToday, ofMonth, ofLastMonth] = [
      await store.readWindow({ stream, ...today }),
      await store.readWindow({ stream, ...month }),
      await store.readWindow({ stream, ...lastMonth }),
    ];
    return {
      stream,
      today: bytesOf(ofToday.totals),
      month: bytesOf(ofMonth.totals),
      projectedYear: projectYear(ofLastMonth, nowMs),
      currency,
      pricePerGb,
    };
  }

  /** What was delivered where; empty where nobody asks for regions. */
  async regions(
    { stream, windowSeconds }: SavingsQuery,
    nowMs: number,
  ): Promise<RegionSavingsList> {
    const span = spanOfWindow(nowMs, windowSeconds);
    const totals = await this.#options.store.readRegions({ stream, ...span });
    return {
      stream,
      windowSeconds,
      regions: totals.map(({ region, counters }) => {
        const { playedMs, stalledMs, startupCount, startupMs } = counters;
        const watchedMs = playedMs + stalledMs;
        return {
          region: region === '' ? null : region,
          averageViewers: watchedMs / (windowSeconds * 1_000),
          cdnBytes: counters.cdnBytes,
          peerBytes: counters.peerBytes,
          offloadRatio: offloadRatio(counters),
          stallRatio: watchedMs > 0 ? stalledMs / watchedMs : null,
          startupSeconds: startupCount > 0 ? startupMs / startupCount / 1_000 : null,
        };
      }),
    };
  }

  async streams(windowSeconds: number, nowMs: number): Promise<StreamSavingsList> {
    const totals = await this.#options.store.readStreams(spanOfWindow(nowMs, windowSeconds));
    const audiences = await this.#audiences(nowMs);
    const live = this.#options.liveStreams();
    const silent = (live ?? []).filter((id) => totals.every(({ stream }) => stream !== id));
    const rows = [...totals, ...silent.map((stream) => ({ stream, cdnBytes: 0, peerBytes: 0 }))];
    return {
      windowSeconds,
      ingestUrl: this.#options.publicIngestUrl,
      streams: rows.map(
        (row): StreamSavings => ({
          stream: row.stream,
          isLive: live?.includes(row.stream) ?? null,
          viewers: audiences.get(row.stream)?.viewers ?? 0,
          cdnBytes: row.cdnBytes,
          peerBytes: row.peerBytes,
          offloadRatio: offloadRatio(row),
        }),
      ),
    };
  }

  /** Sketches cost more than sums and change slowly: read again after some seconds. */
  async #reach(
    stream: StreamId | null,
    fromMs: number,
    toMs: number,
    nowMs: number,
  ): Promise<number> {
    const span = reachSpan(fromMs, toMs);
    const key = `${stream ?? ''}/${span.fromMs}/${span.toMs}`;
    const known = this.#rememberedReach.get(key);
    if (known !== undefined && nowMs - known.atMs < reachMemoryMs) return known.count;
    const count = await this.#options.store.readReach({ stream, ...span });
    if (this.#rememberedReach.size >= maxRemembered) this.#rememberedReach.clear();
    this.#rememberedReach.set(key, { atMs: nowMs, count });
    return count;
  }

  /** Of a shared store, the viewers of all trackers on it. */
  async #audiences(nowMs: number): Promise<ReadonlyMap<string, Audience>> {
    const { store, sessions } = this.#options;
    return store.isShared
      ? await store.readAudiences(nowMs - viewerTimeoutMs)
      : sessions.audiences(nowMs);
  }

  async #read(
    query: SavingsQuery,
    nowMs: number,
    leastIntervalMs?: number,
  ): Promise<SavingsSummary> {
    const { store, pricePerGb, currency } = this.#options;
    const span = spanOfWindow(nowMs, query.windowSeconds, leastIntervalMs);
    const data = await store.readWindow({ stream: query.stream, ...span });
    const cdnComparison = await store.compareCdnUsage({ stream: query.stream, ...span });
    const recent = await store.readWindow({ stream: query.stream, ...spanOfNow(nowMs) });
    const audiences = await this.#audiences(nowMs);
    const audience =
      query.stream === null
        ? joinAudiences(audiences.values())
        : (audiences.get(query.stream) ?? nobody);
    return summarizeSavings({
      stream: query.stream,
      windowSeconds: query.windowSeconds,
      span,
      ...data,
      audience,
      distinctViewers: await this.#reach(query.stream, span.fromMs, span.toMs, nowMs),
      cdnComparison,
      recent: recent.totals,
      pricePerGb,
      currency,
    });
  }
}
