// Savings arithmetic: sums to ratios and money, series without gaps, intervals for every window.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noCounters } from '../../../tracker/telemetry/pure/delivery-counters.ts';
import { billingSpans, projectYear } from '../../../tracker/telemetry/pure/periods.ts';
import {
  chooseIntervalSeconds,
  stepForInterval,
} from '../../../tracker/telemetry/pure/resolutions.ts';
import {
  joinAudiences,
  type SavingsInput,
  spanOfNow,
  spanOfWindow,
  summarizeSavings,
} from '../../../tracker/telemetry/pure/savings.ts';
import { savingsCsv } from '../../../tracker/telemetry/pure/savings-csv.ts';

const nowMs = Date.parse('2026-03-01T12:00:07Z');

function inputWith(changes: Partial<SavingsInput>): SavingsInput {
  return {
    stream: 'demo',
    windowSeconds: 30,
    span: spanOfWindow(nowMs, 30),
    totals: noCounters,
    points: [],
    originEgressBytes: null,
    audience: { viewers: 0, liveLatencySeconds: null },
    distinctViewers: 0,
    cdnComparison: null,
    recent: { cdnBytes: 0, peerBytes: 0 },
    pricePerGb: 0.05,
    currency: 'USD',
    ...changes,
  };
}

describe('savings summary', () => {
  it('has null ratios and zero money before any byte', () => {
    expect(summarizeSavings(inputWith({}))).toMatchObject({
      offloadRatio: null,
      stallRatio: null,
      startupSeconds: null,
      originEgressBytes: null,
      savedBytes: 0,
      savedMoney: 0,
    });
  });

  it('makes ratios, means, bit rates and money from sums', () => {
    const summary = summarizeSavings(
      inputWith({
        totals: {
          ...noCounters,
          cdnBytes: 1e9,
          peerBytes: 3e9,
          stalledMs: 1_000,
          playedMs: 99_000,
          startupCount: 2,
          startupMs: 3_000,
        },
        recent: { cdnBytes: 3_750_000, peerBytes: 7_500_000 },
      }),
    );
    expect(summary.offloadRatio).toBe(0.75);
    expect(summary.stallRatio).toBe(0.01);
    expect(summary.startupSeconds).toBe(1.5);
    expect(summary.savedMoney).toBeCloseTo(0.15);
    // 3.75 MB in 30 s are 1 Mbit/s.
    expect(summary.cdnBitrateBps).toBe(1e6);
    expect(summary.peerBitrateBps).toBe(2e6);
  });

  it('covers exactly the buckets that the window touches, without gaps', () => {
    const at = Date.parse('2026-03-01T11:59:50Z');
    const { series, intervalSeconds } = summarizeSavings(
      inputWith({ points: [{ atMs: at, viewers: 2, cdnBytes: 5, peerBytes: 7 }] }),
    );
    expect(intervalSeconds).toBe(10);
    expect(series).toEqual([
      { at: '2026-03-01T11:59:30.000Z', viewers: 0, cdnBytes: 0, peerBytes: 0 },
      { at: '2026-03-01T11:59:40.000Z', viewers: 0, cdnBytes: 0, peerBytes: 0 },
      { at: '2026-03-01T11:59:50.000Z', viewers: 2, cdnBytes: 5, peerBytes: 7 },
      { at: '2026-03-01T12:00:00.000Z', viewers: 0, cdnBytes: 0, peerBytes: 0 },
    ]);
  });

  it('takes finished buckets only for what happens now', () => {
    const { fromMs, toMs } = spanOfNow(nowMs);
    expect(new Date(fromMs).toISOString()).toBe('2026-03-01T11:59:30.000Z');
    expect(new Date(toMs).toISOString()).toBe('2026-03-01T12:00:00.000Z');
  });

  it('picks an interval of whole stored steps and at most 360 of them for every window', () => {
    fc.assert(
      fc.property(fc.integer({ min: 10, max: 30 * 86_400 }), (windowSeconds) => {
        const intervalSeconds = chooseIntervalSeconds(windowSeconds);
        expect(windowSeconds / intervalSeconds).toBeLessThanOrEqual(360);
        expect((intervalSeconds * 1_000) % stepForInterval(intervalSeconds * 1_000)).toBe(0);
        if (windowSeconds <= 3_600) expect(intervalSeconds).toBe(10);
      }),
    );
  });

  it('has quality with and without peers, each from its own sums', () => {
    const totals = {
      ...noCounters,
      playedMs: 100_000,
      stalledMs: 0,
      startupCount: 3,
      startupMs: 6_000,
      sharingPlayedMs: 60_000,
      sharingStartupCount: 1,
      sharingStartupMs: 1_000,
    };
    expect(summarizeSavings(inputWith({ totals }))).toMatchObject({
      startupSeconds: 2,
      qualityWithPeers: { stallRatio: 0, startupSeconds: 1 },
      qualityWithoutPeers: { stallRatio: 0, startupSeconds: 2.5 },
    });
    const { qualityWithPeers } = summarizeSavings(inputWith({}));
    expect(qualityWithPeers).toEqual({
      playedSeconds: 0,
      stallRatio: null,
      startupSeconds: null,
      liveLatencySeconds: null,
      bitrateBps: null,
    });
  });

  it('has quality of those whom chance has held out, apart from others on the CDN alone', () => {
    const totals = {
      ...noCounters,
      playedMs: 100_000,
      sharingPlayedMs: 60_000,
      heldOutMediaBytes: 2_000_000,
      heldOutPlayedMs: 8_000,
      heldOutStalledMs: 2_000,
      heldOutStartupCount: 2,
      heldOutStartupMs: 3_000,
      heldOutLatencyCount: 2,
      heldOutLatencyMs: 12_000,
    };
    const { qualityHeldOut, qualityWithoutPeers } = summarizeSavings(inputWith({ totals }));
    expect(qualityHeldOut).toEqual({
      playedSeconds: 8,
      stallRatio: 0.2,
      startupSeconds: 1.5,
      liveLatencySeconds: 6,
      bitrateBps: 2e6,
    });
    expect(qualityWithoutPeers.playedSeconds).toBe(40);
  });

  it('has bit rate and latency for those who share and for those who do not', () => {
    const { qualityWithPeers, qualityWithoutPeers, bitrateBps } = summarizeSavings(
      inputWith({
        totals: {
          ...noCounters,
          cdnBytes: 2_000_000,
          peerBytes: 3_000_000,
          playedMs: 20_000,
          latencyCount: 4,
          latencyMs: 26_000,
          sharingMediaBytes: 4_000_000,
          sharingPlayedMs: 12_000,
          sharingLatencyCount: 3,
          sharingLatencyMs: 21_000,
        },
      }),
    );
    expect(bitrateBps).toBe(2_000_000);
    expect(qualityWithPeers).toMatchObject({ liveLatencySeconds: 7, bitrateBps: 8e6 / 3 });
    expect(qualityWithoutPeers).toMatchObject({ liveLatencySeconds: 5, bitrateBps: 1e6 });
  });

  it('compares with what CDN logs say', () => {
    const cdnComparison = { coveredMs: 120_000, measuredBytes: 210, reportedBytes: 200 };
    expect(summarizeSavings(inputWith({ cdnComparison })).cdnMeasured).toEqual({
      coveredSeconds: 120,
      measuredBytes: 210,
      reportedBytes: 200,
    });
  });

  it('becomes CSV with a line per interval and no ratio where nothing was delivered', () => {
    const at = Date.parse('2026-03-01T11:59:50Z');
    const points = [{ atMs: at, viewers: 2, cdnBytes: 1, peerBytes: 3 }];
    const lines = savingsCsv(summarizeSavings(inputWith({ points }))).split('\r\n');
    expect(lines[0]).toBe('at,stream,interval_seconds,viewers,cdn_bytes,peer_bytes,offload_ratio');
    expect(lines[2]).toBe('2026-03-01T11:59:40.000Z,demo,10,0,0,0,');
    expect(lines[3]).toBe('2026-03-01T11:59:50.000Z,demo,10,2,1,3,0.750000');
    expect(lines).toHaveLength(6);
  });

  it('weighs latencies by viewers when streams are taken together', () => {
    expect(
      joinAudiences([
        { viewers: 3, liveLatencySeconds: 4 },
        { viewers: 1, liveLatencySeconds: 8 },
        { viewers: 5, liveLatencySeconds: null },
      ]),
    ).toEqual({ viewers: 9, liveLatencySeconds: 5 });
  });
});

describe('billing periods', () => {
  it('begin at midnight UTC and cover the hour that has begun', () => {
    const { today, month, lastMonth } = billingSpans(nowMs);
    const iso = (timeMs: number): string => new Date(timeMs).toISOString();
    expect(iso(today.fromMs)).toBe('2026-03-01T00:00:00.000Z');
    expect(iso(month.fromMs)).toBe('2026-03-01T00:00:00.000Z');
    expect(iso(lastMonth.fromMs)).toBe('2026-01-30T12:00:00.000Z');
    expect(iso(today.toMs)).toBe('2026-03-01T13:00:00.000Z');
  });

  it('project a year from the time since the first data, never from less than an hour', () => {
    const totals = { cdnBytes: 10, peerBytes: 30, relayedBytes: 3 };
    const project = (agoMs: number) =>
      projectYear({ totals, points: [{ atMs: nowMs - agoMs }] }, nowMs).peerBytes;
    expect(project(24 * 3_600_000)).toBe(30 * 365);
    expect(project(1_000)).toBe(30 * 365 * 24);
    expect(projectYear({ totals, points: [{ atMs: nowMs - 24 * 3_600_000 }] }, nowMs)).toEqual({
      cdnBytes: 10 * 365,
      peerBytes: 30 * 365,
      relayedBytes: 3 * 365,
    });
    expect(projectYear({ totals, points: [] }, nowMs).peerBytes).toBe(0);
  });
});
