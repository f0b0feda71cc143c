// The figures of the page: what was saved in large, quality and the check against the origin in
// small. They only show a summary.

import type { CdnMeasurement, QualityFigures, SavingsSummary } from '@shoal/tracker/protocol';
import type { ComponentChildren } from 'preact';
import { tolerance } from './alerts.ts';
import {
  bitrate,
  bytes,
  count,
  duration,
  money,
  percent,
  type Quantity,
  seconds,
  text,
} from './format.ts';

function Amount({ value, unit }: Quantity) {
  return (
    <>
      {value}
      {unit !== '' && <small>{unit}</small>}
    </>
  );
}

interface FigureProps {
  readonly label: string;
  readonly note: ComponentChildren;
  readonly children: ComponentChildren;
}

function Figure({ label, note, children }: FigureProps) {
  return (
    <div class="figure">
      <dt>{label}</dt>
      <dd class="amount">{children}</dd>
      <dd class="note">{note}</dd>
    </div>
  );
}

const gigabyte = 1e9;

interface HeadlineProps {
  readonly summary: SavingsSummary;
  readonly period: string;
  /** `null`: the tracker's own price. */
  readonly pricePerGb: number | null;
}

export function Headline({ summary, period, pricePerGb }: HeadlineProps) {
  const totalBps = summary.cdnBitrateBps + summary.peerBitrateBps;
  const pricePerGbUsed = pricePerGb ?? summary.pricePerGb;
  const price = money(pricePerGbUsed, summary.currency);
  return (
    <section class="headline card" aria-label="What was saved">
      <div class="hero">
        <h2>Offload ratio</h2>
        <p class="hero-amount">
          <Amount {...percent(summary.offloadRatio)} />
        </p>
        <Split summary={summary} />
        <p class="note">of the video of the {period} came from other viewers</p>
      </div>
      <dl class="figures">
        <Figure label="Bandwidth saved now" note={`of ${text(bitrate(totalBps))} delivered`}>
          <Amount {...bitrate(summary.peerBitrateBps)} />
        </Figure>
        <Figure
          label="Traffic saved"
          note={`of ${text(bytes(summary.cdnBytes + summary.peerBytes))} delivered`}
        >
          <Amount {...bytes(summary.savedBytes)} />
        </Figure>
        <Figure label="Money saved" note={`at ${price} per GB`}>
          {money((summary.savedBytes / gigabyte) * pricePerGbUsed, summary.currency)}
        </Figure>
        <Figure label="Viewers now" note={summary.viewers === 1 ? 'is watching' : 'are watching'}>
          {count(summary.viewers)}
        </Figure>
      </dl>
    </section>
  );
}

function Split({ summary }: { summary: SavingsSummary }) {
  const share = summary.offloadRatio;
  return (
    <div class={share === null ? 'split empty' : 'split'} aria-hidden="true">
      <i class="peer" style={{ width: `${(share ?? 0) * 100}%` }} />
      <i class="cdn" style={{ width: share === null ? '0' : `${(1 - share) * 100}%` }} />
    </div>
  );
}

export function Quality({ summary }: { summary: SavingsSummary }) {
  return (
    <section class="card" aria-labelledby="quality">
      <h2 id="quality">Quality</h2>
      <dl class="figures small two">
        <Figure label="Stalled" note="of the watching time">
          <Amount {...percent(summary.stallRatio, 2)} />
        </Figure>
        <Figure label="Start-up" note="until the first picture">
          <Amount {...seconds(summary.startupSeconds)} />
        </Figure>
        <Figure label="Live latency" note="behind the camera, now">
          <Amount {...seconds(summary.liveLatencySeconds)} />
        </Figure>
        <Figure label="Bit rate" note="of what is played">
          {summary.bitrateBps === null ? '–' : <Amount {...bitrate(summary.bitrateBps)} />}
        </Figure>
      </dl>
      <Comparison summary={summary} />
    </section>
  );
}

const comparedFigures: readonly {
  readonly label: string;
  readonly show: (quality: QualityFigures) => string;
}[] = [
  { label: 'Stalled', show: ({ stallRatio }) => text(percent(stallRatio, 2)) },
  { label: 'Start-up', show: ({ startupSeconds }) => text(seconds(startupSeconds)) },
  { label: 'Live latency', show: ({ liveLatencySeconds }) => text(seconds(liveLatencySeconds)) },
  {
    label: 'Bit rate',
    show: ({ bitrateBps }) => (bitrateBps === null ? '–' : text(bitrate(bitrateBps))),
  },
];

function Comparison({ summary }: { summary: SavingsSummary }) {
  const { qualityWithPeers, qualityWithoutPeers, qualityHeldOut } = summary;
  const isFair = qualityHeldOut.playedSeconds > 0;
  const others = isFair ? qualityHeldOut : qualityWithoutPeers;
  return (
    <>
      <table class="compare">
        <caption class="hidden">Quality with and without peers</caption>
        <thead>
          <tr>
            <td />
            <th scope="col">with peers</th>
            <th scope="col">{isFair ? 'held out' : 'CDN alone'}</th>
          </tr>
        </thead>
        <tbody>
          {comparedFigures.map(({ label, show }) => (
            <tr key={label}>
              <th scope="row">{label}</th>
              <td>{show(qualityWithPeers)}</td>
              <td>{show(others)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="note compare-note">
        {comparisonNote(qualityWithPeers, isFair ? qualityHeldOut : null)}
      </p>
    </>
  );
}

function comparisonNote(withPeers: QualityFigures, heldOut: QualityFigures | null): string {
  if (heldOut === null) {
    return 'Not a fair comparison: who plays from the CDN alone may have another device or network. Hold a share of the sessions out (p2pShare) for one.';
  }
  const watched = [withPeers, heldOut].map(({ playedSeconds }) => duration(playedSeconds));
  return `Chance alone decides who is held out. ${watched[0]} were watched with peers, ${watched[1]} held out.`;
}

export function Honesty({ summary }: { summary: SavingsSummary }) {
  const measured = summary.originEgressBytes;
  const difference = differenceOf(summary.cdnBytes, measured);
  return (
    <section class="card" aria-labelledby="honesty">
      <h2 id="honesty">Reported against measured</h2>
      <dl class="figures small">
        <Figure label="CDN, reported" note="by the viewers’ players">
          <Amount {...bytes(summary.cdnBytes)} />
        </Figure>
        <Figure
          label="Origin, measured"
          note={measured === null ? 'ingest is silent' : 'by ingest itself'}
        >
          {measured === null ? '–' : <Amount {...bytes(measured)} />}
        </Figure>
        <Figure label="Difference" note={verdict(difference)}>
          <Difference value={difference} />
        </Figure>
        {summary.cdnMeasured !== null && <Measured measured={summary.cdnMeasured} />}
        <Figure label="From viewers, received" note="by the viewers’ players">
          <Amount {...bytes(summary.peerBytes)} />
        </Figure>
        <Figure label="To viewers, sent" note="wasted transfers included">
          <Amount {...bytes(summary.uploadedBytes)} />
        </Figure>
        {summary.relayedBytes > 0 && (
          <Figure label="Through TURN" note="paid for, so not counted as saved">
            <Amount {...bytes(summary.relayedBytes)} />
          </Figure>
        )}
        <Figure label="Set aside" note="reports that cannot be true">
          {count(summary.setAsideBeacons)}
        </Figure>
      </dl>
    </section>
  );
}

/** The CDN's own word, for the part of the window that its imported logs cover. */
function Measured({ measured }: { measured: CdnMeasurement }) {
  const { measuredBytes, reportedBytes, coveredSeconds } = measured;
  const difference = differenceOf(reportedBytes, measuredBytes);
  return (
    <>
      <Figure label="CDN, by its logs" note={`${duration(coveredSeconds)} of logs imported`}>
        <Amount {...bytes(measuredBytes)} />
      </Figure>
      <Figure label="Reported for the same time" note="by the viewers’ players">
        <Amount {...bytes(reportedBytes)} />
      </Figure>
      <Figure
        label="Reported against the logs"
        note={
          difference !== null && Math.abs(difference) <= tolerance
            ? 'they agree'
            : 'they differ by more than 5 %'
        }
      >
        <Difference value={difference} />
      </Figure>
    </>
  );
}

function differenceOf(reported: number, measured: number | null): number | null {
  return measured === null || measured === 0 ? null : (reported - measured) / measured;
}

function Difference({ value }: { value: number | null }) {
  if (value === null) return <>–</>;
  return (
    <span class={Math.abs(value) <= tolerance ? 'good' : 'warn'}>
      {value > 0 ? '+' : ''}
      <Amount {...percent(value)} />
    </span>
  );
}

function verdict(difference: number | null): string {
  if (difference === null) return 'nothing to compare yet';
  if (Math.abs(difference) <= tolerance) return 'they agree';
  return difference > 0 ? 'a cache answers for the origin' : 'more sent than was played';
}
