// What the page shows, kept in its address so that it can be shared and survives a reload. The
// app reads it and changes it through the pickers.

import { useEffect, useState } from 'preact/hooks';

export interface View {
  /** `null`: all streams together. */
  readonly stream: string | null;
  readonly windowSeconds: number;
  /** `null`: the price that the tracker is configured with. */
  readonly pricePerGb: number | null;
  readonly order: StreamOrder;
}

/** The stream table from most traffic down, or from the lowest offload up. */
export type StreamOrder = 'traffic' | 'worst';

/** From this length on, times of a window are shown with their day. */
export const datedFromSeconds = 86_400;

export interface WindowChoice {
  readonly seconds: number;
  readonly label: string;
  readonly longLabel: string;
}

const fiveMinutes: WindowChoice = { seconds: 300, label: '5 min', longLabel: 'last 5 minutes' };

export const windowChoices: readonly WindowChoice[] = [
  fiveMinutes,
  { seconds: 900, label: '15 min', longLabel: 'last 15 minutes' },
  { seconds: 3600, label: '1 h', longLabel: 'last hour' },
  { seconds: 86400, label: '24 h', longLabel: 'last 24 hours' },
  { seconds: 604800, label: '7 d', longLabel: 'last 7 days' },
  { seconds: 2592000, label: '30 d', longLabel: 'last 30 days' },
];

export function windowChoiceOf(windowSeconds: number): WindowChoice {
  return windowChoices.find(({ seconds }) => seconds === windowSeconds) ?? fiveMinutes;
}

export function parseView(search: string): View {
  const parameters = new URLSearchParams(search);
  return {
    stream: parameters.get('stream') || null,
    windowSeconds: windowChoiceOf(Number(parameters.get('window'))).seconds,
    pricePerGb: parsePrice(parameters.get('price')),
    order: parameters.get('order') === 'worst' ? 'worst' : 'traffic',
  };
}

function parsePrice(value: string | null): number | null {
  const price = Number(value ?? Number.NaN);
  return Number.isFinite(price) && price >= 0 ? price : null;
}

export function formatView(view: View): string {
  const parameters = new URLSearchParams();
  if (view.stream !== null) parameters.set('stream', view.stream);
  parameters.set('window', String(view.windowSeconds));
  if (view.pricePerGb !== null) parameters.set('price', String(view.pricePerGb));
  if (view.order !== 'traffic') parameters.set('order', view.order);
  return `?${parameters}`;
}

export function useView(): [View, (view: View) => void] {
  const [view, setView] = useState(() => parseView(location.search));
  useEffect(() => {
    const onBack = (): void => setView(parseView(location.search));
    addEventListener('popstate', onBack);
    return () => removeEventListener('popstate', onBack);
  }, []);
  const change = (next: View): void => {
    history.pushState(null, '', formatView(next));
    setView(next);
  };
  return [view, change];
}
