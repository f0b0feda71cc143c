// The live figures: server-sent events of the tracker as preact state, with an honest word on
// whether they are still coming. The app shows what it gives.

import type {
  HealthSummary,
  RegionSavingsList,
  SavingsPeriods,
  SavingsSummary,
  StreamSavingsList,
  SwarmPicture,
} from '@shoal/tracker/protocol';
import { useEffect, useState } from 'preact/hooks';
import type { View } from './url-state.ts';

export type Connection = 'connecting' | 'live' | 'lost';

export interface LiveSavings {
  /** Of the view that was asked for, `null` until its first event. */
  readonly summary: SavingsSummary | null;
  readonly connection: Connection;
}

/** Events come every 2 s; three missing ones in a row are a broken connection. */
const silenceLimitMs = 7_000;
const reopenMs = 2_000;
const listPollMs = 4_000;
const periodsPollMs = 20_000;
/** As often as viewers report. */
const picturePollMs = 5_000;
const healthPollMs = 5_000;

function eventsUrl(view: View): string {
  const parameters = new URLSearchParams({ windowSeconds: String(view.windowSeconds) });
  if (view.stream !== null) parameters.set('stream', view.stream);
  return `api/v1/events?${parameters}`;
}

/** Keeps an event source open, however it ends. Returns the way to stop. */
function subscribe(
  view: View,
  onSummary: (summary: SavingsSummary) => void,
  onLost: () => void,
): () => void {
  let source: EventSource | null = null;
  let timer: number | undefined;
  const open = (): void => {
    source = new EventSource(eventsUrl(view));
    source.onmessage = (event: MessageEvent<string>) => {
      wait(silenceLimitMs);
      onSummary(JSON.parse(event.data) as SavingsSummary);
    };
    // After an HTTP error an EventSource stays closed, so it is opened anew in every case.
    source.onerror = () => {
      source?.close();
      onLost();
      wait(reopenMs);
    };
    wait(silenceLimitMs);
  };
  const wait = (delayMs: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      source?.close();
      if (delayMs === silenceLimitMs) onLost();
      open();
    }, delayMs);
  };
  open();
  return () => {
    clearTimeout(timer);
    source?.close();
  };
}

export function useLiveSavings(view: View): LiveSavings {
  const [live, setLive] = useState<LiveSavings>({ summary: null, connection: 'connecting' });
  useEffect(() => {
    setLive({ summary: null, connection: 'connecting' });
    return subscribe(
      view,
      (summary) => setLive({ summary, connection: 'live' }),
      () => setLive(({ summary }) => ({ summary, connection: 'lost' })),
    );
  }, [view.stream, view.windowSeconds]);
  return live;
}

/** The streams to choose from; keeps the last answer while the tracker is away. */
export function useStreamList(windowSeconds: number): StreamSavingsList | null {
  return usePolled<StreamSavingsList>(
    `api/v1/savings/streams?windowSeconds=${windowSeconds}`,
    listPollMs,
  );
}

/** What was saved today, this month and in a year at this pace. */
export function usePeriods(stream: string | null): SavingsPeriods | null {
  const query = stream === null ? '' : `?${new URLSearchParams({ stream })}`;
  return usePolled<SavingsPeriods>(`api/v1/savings/periods${query}`, periodsPollMs);
}

/** What was delivered where in the window. */
export function useRegions(view: View): RegionSavingsList | null {
  const parameters = new URLSearchParams({ windowSeconds: String(view.windowSeconds) });
  if (view.stream !== null) parameters.set('stream', view.stream);
  return usePolled<RegionSavingsList>(`api/v1/savings/regions?${parameters}`, periodsPollMs);
}

/** Who feeds whom in a stream; `null` for all streams together, which have no picture. */
export function useSwarmPicture(stream: string | null): SwarmPicture | null {
  const url = stream === null ? null : `api/v1/swarm?${new URLSearchParams({ stream })}`;
  const picture = usePolled<SwarmPicture>(url, picturePollMs);
  return picture?.stream === stream ? picture : null;
}

export function useHealth(): HealthSummary | null {
  return usePolled<HealthSummary>('api/v1/health', healthPollMs);
}

function usePolled<Answer>(url: string | null, intervalMs: number): Answer | null {
  const [answer, setAnswer] = useState<Answer | null>(null);
  useEffect(() => {
    if (url === null) return;
    const abort = new AbortController();
    const load = async (): Promise<void> => {
      try {
        const response = await fetch(url, { signal: abort.signal });
        if (response.ok) setAnswer((await response.json()) as Answer);
      } catch {
        // The banner of the live figures already says that the tracker is away.
      }
    };
    void load();
    const timer = setInterval(() => void load(), intervalMs);
    return () => {
      abort.abort();
      clearInterval(timer);
    };
  }, [url, intervalMs]);
  return answer;
}
