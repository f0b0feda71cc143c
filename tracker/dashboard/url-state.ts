// What the page shows, kept in its address so that it can be shared and survives a reload. The
// app reads it and changes it through the pickers.

import { useEffect, useState } from 'preact/hooks';

export interface View {
  /** `null`: all streams together. */
  readonly stream: string | null;
  readonly windowSeconds: number;
}

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
];

export function windowChoiceOf(windowSeconds: number): WindowChoice {
  return windowChoices.find(({ seconds }) => seconds === windowSeconds) ?? fiveMinutes;
}

export function parseView(search: string): View {
  const parameters = new URLSearchParams(search);
  return {
    stream: parameters.get('stream') || null,
    windowSeconds: windowChoiceOf(Number(parameters.get('window'))).seconds,
  };
}

export function formatView(view: View): string {
  const parameters = new URLSearchParams();
  if (view.stream !== null) parameters.set('stream', view.stream);
  parameters.set('window', String(view.windowSeconds));
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
