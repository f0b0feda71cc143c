// The sentences that the dashboard puts before an operator.

import type { SavingsPoint, SavingsSummary } from '@shoal/tracker/protocol';
import { describe, expect, it } from 'vitest';
import { alertsOf } from '../../../tracker/dashboard/alerts.ts';
import { noCounters } from '../../../tracker/telemetry/pure/delivery-counters.ts';
import { spanOfWindow, summarizeSavings } from '../../../tracker/telemetry/pure/savings.ts';

const nowMs = Date.parse('2026-03-01T12:00:07Z');

function summaryWith(
  shape: (index: number) => Omit<SavingsPoint, 'at'>,
  changes: Partial<SavingsSummary> = {},
): SavingsSummary {
  const summary = summarizeSavings({
    stream: 'match',
    windowSeconds: 300,
    span: spanOfWindow(nowMs, 300),
    totals: noCounters,
    points: [],
    originEgressBytes: null,
    audience: { viewers: 0, liveLatencySeconds: null },
    distinctViewers: 0,
    cdnComparison: null,
    recent: { cdnBytes: 0, peerBytes: 0 },
    pricePerGb: 0.05,
    currency: 'USD',
  });
  const series = summary.series.map(({ at }, index) => ({ at, ...shape(index) }));
  return { ...summary, series, ...changes };
}

const unknownQuality = {
  playedSeconds: 0,
  stallRatio: null,
  startupSeconds: null,
  liveLatencySeconds: null,
  bitrateBps: null,
};

const steady = { viewers: 100, cdnBytes: 18e6, peerBytes: 82e6 };
const sentencesOf = (summary: SavingsSummary): string[] =>
  alertsOf(summary, false).map(({ sentence }) => sentence);

describe('alerts', () => {
  it('are none while everything is steady, and none without viewers', () => {
    expect(sentencesOf(summaryWith(() => steady))).toEqual([]);
    const nobody = { viewers: 0, cdnBytes: 0, peerBytes: 0 };
    expect(sentencesOf(summaryWith(() => nobody))).toEqual([]);
  });

  it('say when offload fell, by how much, and that viewers joined', () => {
    const crowd = { viewers: 400, cdnBytes: 240e6, peerBytes: 160e6 };
    const sentences = sentencesOf(summaryWith((index) => (index < 20 ? steady : crowd)));
    expect(sentences).toHaveLength(1);
    expect(sentences[0]).toMatch(
      /^Offload fell from \d+ % to \d+ % at \d\d:\d\d:\d\d in match: 300 viewers joined in 30 s\.$/,
    );
  });

  it('say when half of the viewers left', () => {
    const few = { viewers: 40, cdnBytes: 7e6, peerBytes: 33e6 };
    const [sentence] = sentencesOf(summaryWith((index) => (index < 20 ? steady : few)));
    expect(sentence).toMatch(/^Viewers fell from 100 to 40 at/);
  });

  it('do not take the unfinished last interval for a drop', () => {
    const partial = { viewers: 1, cdnBytes: 1e6, peerBytes: 0 };
    expect(sentencesOf(summaryWith((index) => (index < 30 ? steady : partial)))).toEqual([]);
  });

  it('name stalls, slow starts with peers, figures that do not fit, and what was set aside', () => {
    const summary = summaryWith(() => steady, {
      stallRatio: 0.05,
      qualityWithPeers: { ...unknownQuality, stallRatio: 0.05, startupSeconds: 4 },
      qualityWithoutPeers: { ...unknownQuality, stallRatio: 0, startupSeconds: 1 },
      cdnBytes: 100e6,
      peerBytes: 400e6,
      uploadedBytes: 200e6,
      originEgressBytes: 150e6,
      setAsideBeacons: 3,
      setAsideBytes: 9e9,
    });
    const sentences = sentencesOf(summary);
    expect(sentences).toHaveLength(5);
    expect(sentences.join(' ')).toContain('stalled for 5.0 % of the watching time');
    expect(sentences.join(' ')).toContain('Start-up takes 4.00 s with peers and 1.00 s without');
    // Whom chance has held out are the better comparison.
    const heldOut = { ...summary, qualityHeldOut: { ...unknownQuality, startupSeconds: 3.9 } };
    expect(sentencesOf(heldOut).join(' ')).not.toContain('Start-up takes');
    expect(sentences.join(' ')).toContain('allows: 3, of together 9.00 GB.');
  });
});
