// The two charts of the page: bandwidth by source, stacked, and viewers. They turn a summary's
// series into columns for the time chart.

import type { SavingsPoint, SavingsSummary } from '@shoal/tracker/protocol';
import { useMemo } from 'preact/hooks';
import type uPlot from 'uplot';
import { type ChartTheme, useChartTheme } from './chart-theme.ts';
import { bitrate, bitrateTick, clock, count, percent, text } from './format.ts';
import { TimeChart } from './time-chart.tsx';
import { datedFromSeconds } from './url-state.ts';

interface Columns {
  readonly timesSeconds: number[];
  readonly cdnBps: number[];
  readonly peerBps: number[];
  readonly totalBps: number[];
  readonly viewers: number[];
}

/** Finished intervals only: the last one would look like a sudden drop. */
export function finishedPoints(summary: SavingsSummary): readonly SavingsPoint[] {
  return summary.series.slice(0, -1);
}

function columnsOf(summary: SavingsSummary): Columns {
  const points = finishedPoints(summary);
  const bps = (bytes: number): number => (bytes * 8) / summary.intervalSeconds;
  return {
    timesSeconds: points.map(({ at }) => Date.parse(at) / 1000),
    cdnBps: points.map(({ cdnBytes }) => bps(cdnBytes)),
    peerBps: points.map(({ peerBytes }) => bps(peerBytes)),
    totalBps: points.map(({ cdnBytes, peerBytes }) => bps(cdnBytes + peerBytes)),
    viewers: points.map(({ viewers }) => viewers),
  };
}

function axes(
  theme: ChartTheme,
  withDate: boolean,
  yValues: (value: number) => string,
  ySizePx: number,
): uPlot.Axis[] {
  const shared = {
    stroke: theme.text,
    font: theme.font,
    grid: { stroke: theme.grid, width: 1 },
    ticks: { show: false },
  };
  return [
    {
      ...shared,
      grid: { show: false },
      space: withDate ? 110 : 72,
      size: 34,
      values: (_plot, splits, _axis, _space, stepSeconds) =>
        splits.map((split) => clock(split, stepSeconds < 60, withDate)),
    },
    {
      ...shared,
      size: ySizePx,
      space: 28,
      values: (_plot, splits) => splits.map((split) => yValues(split)),
    },
  ];
}

/** From zero to a little above the highest value, and never an empty axis. */
function fromZero(leastTop: number): uPlot.Scale {
  return { range: (_plot, _low, high) => [0, Math.max(leastTop, (high ?? 0) * 1.08)] };
}

export function BandwidthChart({ summary }: { summary: SavingsSummary }) {
  const theme = useChartTheme();
  const columns = useMemo(() => columnsOf(summary), [summary]);
  const withDate = summary.windowSeconds >= datedFromSeconds;
  const data = useMemo<uPlot.AlignedData>(
    () => [columns.timesSeconds, columns.totalBps, columns.cdnBps],
    [columns],
  );
  const look = useMemo(
    () => ({
      // The last time label is centred on the right edge.
      padding: [12, 30, 0, 0] as uPlot.Padding,
      scales: { y: fromZero(1_000_000) },
      series: [
        {},
        { stroke: theme.peer, width: 1.5, points: { show: false } },
        { stroke: theme.cdn, width: 1.5, fill: theme.cdnFill, points: { show: false } },
      ],
      // What lies between the total and the CDN's part is what viewers gave each other.
      bands: [{ series: [1, 2] as uPlot.Band.Bounds, fill: theme.peerFill }],
      axes: axes(theme, withDate, bitrateTick, 84),
    }),
    [theme, withDate],
  );
  const label = `Bandwidth over time by source. Now ${text(bitrate(summary.peerBitrateBps))} from other viewers and ${text(bitrate(summary.cdnBitrateBps))} from the CDN. Use the arrow keys to read single points.`;
  return (
    <TimeChart
      label={label}
      heightPx={280}
      data={data}
      look={look}
      tooltip={(index) => {
        const cdnBps = columns.cdnBps[index] ?? 0;
        const peerBps = columns.peerBps[index] ?? 0;
        const total = cdnBps + peerBps;
        return {
          title: interval(columns.timesSeconds[index] ?? 0, summary.intervalSeconds, withDate),
          rows: [
            { label: 'From viewers', value: text(bitrate(peerBps)), swatch: 'peer' },
            { label: 'From the CDN', value: text(bitrate(cdnBps)), swatch: 'cdn' },
            { label: 'Offload', value: text(percent(total > 0 ? peerBps / total : null)) },
          ],
        };
      }}
    />
  );
}

export function ViewersChart({ summary }: { summary: SavingsSummary }) {
  const theme = useChartTheme();
  const columns = useMemo(() => columnsOf(summary), [summary]);
  const withDate = summary.windowSeconds >= datedFromSeconds;
  const data = useMemo<uPlot.AlignedData>(() => [columns.timesSeconds, columns.viewers], [columns]);
  const look = useMemo(
    () => ({
      // The last time label is centred on the right edge.
      padding: [12, 30, 0, 0] as uPlot.Padding,
      scales: { y: fromZero(4) },
      series: [
        {},
        { stroke: theme.accent, width: 1.5, fill: theme.accentFill, points: { show: false } },
      ],
      axes: axes(theme, withDate, (value) => (Number.isInteger(value) ? count(value) : ''), 84),
    }),
    [theme, withDate],
  );
  return (
    <TimeChart
      label={`Viewers over time, ${count(summary.viewers)} now. Use the arrow keys to read single points.`}
      heightPx={150}
      data={data}
      look={look}
      tooltip={(index) => ({
        title: interval(columns.timesSeconds[index] ?? 0, summary.intervalSeconds, withDate),
        rows: [{ label: 'Viewers', value: count(columns.viewers[index] ?? 0), swatch: 'accent' }],
      })}
    />
  );
}

function interval(fromSeconds: number, lengthSeconds: number, withDate: boolean): string {
  const withSeconds = lengthSeconds < 60;
  const to = clock(fromSeconds + lengthSeconds, withSeconds);
  return `${clock(fromSeconds, withSeconds, withDate)} – ${to}`;
}
