// Whether tracker and ingest do their work, in one line each and a few counts. Shows the tracker's
// own health summary; alerts for machines are in the Prometheus rules.

import type { HealthSummary } from '@shoal/tracker/protocol';
import { count, duration, percent, text } from './format.ts';

export function Health({ health }: { health: HealthSummary | null }) {
  if (health === null) return null;
  const { tracker, ingest } = health;
  return (
    <section class="card" aria-labelledby="health">
      <h2 id="health">Services</h2>
      <ul class="services">
        <Service name="Tracker" {...trackerState(tracker)} />
        {ingest !== null && <Service name="Ingest" {...ingestState(ingest)} />}
      </ul>
      <dl class="counts">
        <Count label="Connections" value={count(tracker.sockets)} />
        <Count label="Swarms" value={count(tracker.swarms)} />
        <Count label="Connections refused" value={count(tracker.refusedSockets)} />
        <Count label="Reports counted" value={count(tracker.beaconsCounted)} />
        <Count label="Reports refused" value={count(tracker.beaconsRefused)} />
        <Count label="Running for" value={duration(tracker.uptimeSeconds)} />
      </dl>
    </section>
  );
}

interface State {
  readonly isGood: boolean;
  readonly word: string;
  readonly note: string;
}

function trackerState(tracker: HealthSummary['tracker']): State {
  if (!tracker.isStoreHealthy) {
    const note = 'reports are refused until the telemetry store answers; players keep theirs';
    return { isGood: false, word: 'Store away', note };
  }
  if (tracker.admittedShare < 1) {
    const share = text(percent(tracker.admittedShare, 0));
    return { isGood: false, word: 'Overloaded', note: `lets in ${share} of the reports` };
  }
  if (!tracker.isReady) return { isGood: false, word: 'Stopping', note: 'sends viewers away' };
  return { isGood: true, word: 'Works', note: 'introduces viewers and counts' };
}

function ingestState(ingest: NonNullable<HealthSummary['ingest']>): State {
  const { isReachable, liveStreams, reconnectingStreams } = ingest;
  if (isReachable === null) return { isGood: true, word: 'Not asked yet', note: '' };
  if (!isReachable) {
    return { isGood: false, word: 'Does not answer', note: 'what the origin sends is not known' };
  }
  if (reconnectingStreams.length > 0) {
    const note = `the publisher of ${reconnectingStreams.join(', ')} is away`;
    return { isGood: false, word: 'Waits', note };
  }
  const note = liveStreams.length === 0 ? 'nothing on air' : `on air: ${liveStreams.join(', ')}`;
  return { isGood: true, word: 'Works', note };
}

function Service({ name, isGood, word, note }: State & { readonly name: string }) {
  return (
    <li class="service">
      <i class={isGood ? 'lamp good' : 'lamp warn'} aria-hidden="true" />
      <b>{name}</b>
      <span class={isGood ? 'good' : 'warn'}>{word}</span>
      <span class="note">{note}</span>
    </li>
  );
}

function Count({ label, value }: { readonly label: string; readonly value: string }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
}
