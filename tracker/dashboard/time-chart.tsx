// One uPlot chart as a preact component: size, tooltip, arrow keys and redraw on new data. The
// bandwidth and viewers charts give it their series.

import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';

export interface TooltipRow {
  readonly label: string;
  readonly value: string;
  /** CSS class of the swatch. */
  readonly swatch?: string;
}

export interface TimeChartProps {
  /** What the chart says, for those who cannot see it. */
  readonly label: string;
  readonly heightPx: number;
  readonly data: uPlot.AlignedData;
  /** Must be the same object until the look of the chart changes. */
  readonly look: Pick<uPlot.Options, 'series' | 'axes' | 'bands' | 'scales' | 'padding'>;
  readonly tooltip: (index: number) => { readonly title: string; readonly rows: TooltipRow[] };
}

interface Hover {
  readonly index: number;
  readonly leftPx: number;
  readonly widthPx: number;
}

export function TimeChart({ label, heightPx, data, look, tooltip }: TimeChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const [hover, setHover] = useState<Hover | null>(null);

  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const plot = new uPlot(
      {
        ...look,
        width: element.clientWidth,
        height: heightPx,
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
        hooks: { setCursor: [(self) => setHover(hoverOf(self))] },
      },
      data,
      element,
    );
    chart.current = plot;
    const observer = new ResizeObserver(() => {
      plot.setSize({ width: element.clientWidth, height: heightPx });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
      chart.current = null;
      setHover(null);
    };
    // Data has an effect of its own, so that a new second does not make a new canvas.
  }, [look, heightPx]);

  useEffect(() => chart.current?.setData(data), [data]);

  const onKeyDown = (event: KeyboardEvent): void => {
    const plot = chart.current;
    const length = data[0].length;
    if (!plot || length === 0) return;
    const from = hover?.index ?? length;
    const steps: Record<string, number> = { ArrowLeft: from - 1, ArrowRight: from + 1 };
    const target = { ...steps, Home: 0, End: length - 1 }[event.key];
    if (event.key === 'Escape') plot.setCursor({ left: -10, top: -10 });
    if (target === undefined) return;
    event.preventDefault();
    const index = Math.min(length - 1, Math.max(0, target));
    plot.setCursor({ left: plot.valToPos(data[0][index] ?? 0, 'x'), top: 0 });
  };
  const leave = (): void => chart.current?.setCursor({ left: -10, top: -10 });
  const content = hover !== null && hover.index < data[0].length ? tooltip(hover.index) : null;
  return (
    <div class="chart">
      <div
        ref={host}
        role="slider"
        tabIndex={0}
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={Math.max(0, data[0].length - 1)}
        aria-valuenow={hover?.index ?? Math.max(0, data[0].length - 1)}
        aria-valuetext={content === null ? 'no point chosen' : sentenceOf(content)}
        onKeyDown={onKeyDown}
        onBlur={leave}
      />
      {hover !== null && content !== null && <Tooltip hover={hover} {...content} />}
    </div>
  );
}

function sentenceOf({ title, rows }: { title: string; rows: TooltipRow[] }): string {
  return [title, ...rows.map(({ label, value }) => `${label} ${value}`)].join(', ');
}

function Tooltip({ hover, title, rows }: { hover: Hover; title: string; rows: TooltipRow[] }) {
  // On the side with more room, so that it neither leaves the page nor covers the point.
  const isRight = hover.leftPx > hover.widthPx / 2;
  const style = isRight
    ? { right: `${hover.widthPx - hover.leftPx + 14}px` }
    : { left: `${hover.leftPx + 14}px` };
  return (
    <div class="tooltip" style={style} aria-hidden="true">
      <div class="tooltip-title">{title}</div>
      {rows.map(({ label, value, swatch }) => (
        <div class="tooltip-row" key={label}>
          <span>
            {swatch && <i class={`swatch ${swatch}`} />}
            {label}
          </span>
          <b>{value}</b>
        </div>
      ))}
    </div>
  );
}

function hoverOf(plot: uPlot): Hover | null {
  const { idx, left } = plot.cursor;
  if (idx === null || idx === undefined || left === undefined || left < 0) return null;
  const pixelRatio = devicePixelRatio || 1;
  return { index: idx, leftPx: left + plot.bbox.left / pixelRatio, widthPx: plot.width };
}
