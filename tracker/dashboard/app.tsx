// The page as a whole: which view, which state it is in, and the order of its parts. Live
// figures come from the event stream, the list of streams is polled.

import type {
  SavingsPeriods,
  SavingsSummary,
  StreamSavings,
  StreamSavingsList,
} from '@shoal/tracker/protocol';
import type { ComponentChildren } from 'preact';
import { AlertList } from './alert-list.tsx';
import { Headline, Honesty, Quality } from './figures.tsx';
import { Header } from './header.tsx';
import { Health } from './health.tsx';
import {
  useHealth,
  useLiveSavings,
  usePeriods,
  useRegions,
  useStreamList,
  useSwarmPicture,
} from './live-savings.ts';
import { Money } from './money.tsx';
import { RegionTable } from './region-table.tsx';
import { BandwidthChart, ViewersChart } from './savings-charts.tsx';
import { StreamTable } from './stream-table.tsx';
import { SwarmView } from './swarm-view.tsx';
import { useView, type View, windowChoiceOf } from './url-state.ts';

export function App() {
  const [view, setView] = useView();
  const { summary, connection } = useLiveSavings(view);
  const list = useStreamList(view.windowSeconds);
  const periods = usePeriods(view.stream);
  const streams = list?.streams ?? [];
  return (
    <>
      <Header view={view} streams={streams} connection={connection} onChange={setView} />
      {connection === 'lost' && (
        <p class="banner" role="alert">
          Connection to the tracker lost. Reconnecting…
          {summary !== null && ' These are the last figures it sent.'}
        </p>
      )}
      <main class={connection === 'lost' ? 'stale' : undefined} aria-busy={summary === null}>
        {summary === null ? (
          connection !== 'lost' && <Loading />
        ) : (
          <Savings summary={summary} list={list} periods={periods} view={view} onChange={setView} />
        )}
      </main>
    </>
  );
}

interface SavingsProps {
  readonly summary: SavingsSummary;
  readonly list: StreamSavingsList | null;
  readonly periods: SavingsPeriods | null;
  readonly view: View;
  readonly onChange: (view: View) => void;
}

function Savings({ summary, list, periods, view, onChange }: SavingsProps) {
  const period = windowChoiceOf(view.windowSeconds).longLabel;
  const isEmpty = summary.viewers === 0 && summary.cdnBytes + summary.peerBytes === 0;
  const streams = list?.streams ?? [];
  // With one stream there is nothing to choose.
  const picture = useSwarmPicture(view.stream ?? onlyOne(streams));
  const health = useHealth();
  const regions = useRegions(view);
  return (
    <>
      {isEmpty ? (
        <Empty list={list} view={view} />
      ) : (
        <>
          <Headline summary={summary} period={period} pricePerGb={view.pricePerGb} />
          <AlertList summary={summary} />
          <Charts summary={summary} />
          {picture !== null && <SwarmView picture={picture} />}
          <div class="pair">
            <Quality summary={summary} />
            <Honesty summary={summary} />
          </div>
          <Money periods={periods} view={view} onChange={onChange} />
        </>
      )}
      {streams.length > 0 && <StreamTable streams={streams} view={view} onChange={onChange} />}
      <RegionTable list={regions} />
      <Health health={health} />
    </>
  );
}

function onlyOne(streams: readonly StreamSavings[]): string | null {
  return streams.length === 1 ? (streams[0]?.stream ?? null) : null;
}

function Charts({ summary }: { summary: SavingsSummary }) {
  return (
    <>
      <Panel
        title="Bandwidth"
        legend={
          <>
            <span>
              <i class="swatch peer" /> from other viewers
            </span>
            <span>
              <i class="swatch cdn" /> from the CDN
            </span>
          </>
        }
      >
        <BandwidthChart summary={summary} />
      </Panel>
      <Panel title="Viewers" legend={null}>
        <ViewersChart summary={summary} />
      </Panel>
    </>
  );
}

interface PanelProps {
  readonly title: string;
  readonly legend: ComponentChildren;
  readonly children: ComponentChildren;
}

function Panel({ title, legend, children }: PanelProps) {
  return (
    <section class="card panel" aria-label={title}>
      <div class="panel-head">
        <h2>{title}</h2>
        <div class="legend">{legend}</div>
      </div>
      {children}
    </section>
  );
}

function Empty({ list, view }: { list: StreamSavingsList | null; view: View }) {
  const live = list?.streams.find(({ isLive }) => isLive)?.stream;
  const stream = view.stream ?? live ?? 'demo';
  const url = list?.ingestUrl;
  return (
    <section class="card empty-state">
      <svg viewBox="0 0 64 40" aria-hidden="true">
        <g fill="none" stroke="currentColor" stroke-width="1.5">
          <path d="M6 14c6-7 14-7 20 0l6-5v10l-6-5c-6 7-14 7-20 0z" />
          <path d="M30 28c6-7 14-7 20 0l6-5v10l-6-5c-6 7-14 7-20 0z" opacity=".5" />
        </g>
      </svg>
      <h2>No viewers yet</h2>
      <p>
        As soon as somebody watches {view.stream === null ? 'a stream' : <b>{view.stream}</b>}, the
        savings appear here by themselves.
      </p>
      {url && (
        <p class="actions">
          <a class="button" href={`${url}/watch/${encodeURIComponent(stream)}`}>
            Open the watch page
          </a>
          <a href={`${url}/`}>Start a broadcast</a>
        </p>
      )}
    </section>
  );
}

function Loading() {
  return (
    <div class="loading" role="status">
      <span class="hidden">Loading</span>
      <i class="card" />
      <i class="card tall" />
      <i class="card" />
    </div>
  );
}
