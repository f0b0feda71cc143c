// Colours of the charts, taken from the style sheet so that there is one palette. Charts are
// drawn again when the system changes between light and dark.

import { useEffect, useState } from 'preact/hooks';

export interface ChartTheme {
  readonly text: string;
  readonly grid: string;
  readonly cdn: string;
  readonly cdnFill: string;
  readonly peer: string;
  readonly peerFill: string;
  readonly accent: string;
  readonly accentFill: string;
  readonly font: string;
}

function readTheme(): ChartTheme {
  const style = getComputedStyle(document.documentElement);
  const color = (name: string): string => style.getPropertyValue(name).trim();
  return {
    text: color('--muted'),
    grid: color('--grid'),
    cdn: color('--cdn'),
    cdnFill: color('--cdn-fill'),
    peer: color('--peer'),
    peerFill: color('--peer-fill'),
    accent: color('--accent'),
    accentFill: color('--accent-fill'),
    font: `12px ${color('--font')}`,
  };
}

export function useChartTheme(): ChartTheme {
  const [theme, setTheme] = useState(readTheme);
  useEffect(() => {
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const onChange = (): void => setTheme(readTheme());
    dark.addEventListener('change', onChange);
    return () => dark.removeEventListener('change', onChange);
  }, []);
  return theme;
}
