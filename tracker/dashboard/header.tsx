// The top of the page: whose page it is, whether its figures are live, which stream and which
// stretch of time they are of.

import type { StreamSavings } from '@shoal/tracker/protocol';
import type { Connection } from './live-savings.ts';
import { type View, windowChoices } from './url-state.ts';

interface HeaderProps {
  readonly view: View;
  readonly streams: readonly StreamSavings[];
  readonly connection: Connection;
  readonly onChange: (view: View) => void;
}

const connectionWords: Readonly<Record<Connection, string>> = {
  connecting: 'Connecting',
  live: 'Live',
  lost: 'Reconnecting',
};

export function Header({ view, streams, connection, onChange }: HeaderProps) {
  return (
    <header>
      <h1>
        <Mark />
        <span>
          Shoal <em>savings</em>
        </span>
        <span class={`connection ${connection}`} role="status">
          {connectionWords[connection]}
        </span>
      </h1>
      <div class="pickers">
        <StreamPicker view={view} streams={streams} onChange={onChange} />
        <fieldset class="segments">
          <legend class="hidden">Window</legend>
          {windowChoices.map(({ seconds, label, longLabel }) => (
            <label key={seconds}>
              <input
                type="radio"
                name="window"
                checked={seconds === view.windowSeconds}
                aria-label={longLabel}
                onChange={() => onChange({ ...view, windowSeconds: seconds })}
              />
              <span>{label}</span>
            </label>
          ))}
        </fieldset>
        <a class="button quiet" href={csvUrl(view)} download>
          CSV
        </a>
      </div>
    </header>
  );
}

function csvUrl({ stream, windowSeconds }: View): string {
  const parameters = new URLSearchParams({ windowSeconds: String(windowSeconds) });
  if (stream !== null) parameters.set('stream', stream);
  return `api/v1/savings.csv?${parameters}`;
}

function StreamPicker({ view, streams, onChange }: Omit<HeaderProps, 'connection'>) {
  const names = streams.map(({ stream }) => stream);
  // A shared link may name a stream that nobody watches now.
  if (view.stream !== null && !names.includes(view.stream)) names.push(view.stream);
  return (
    <label class="select">
      <span class="hidden">Stream</span>
      <select
        value={view.stream ?? ''}
        onChange={(event) => onChange({ ...view, stream: event.currentTarget.value || null })}
      >
        <option value="">All streams</option>
        {names.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
      <svg viewBox="0 0 12 12" aria-hidden="true">
        <path d="M2.5 4.5 6 8l3.5-3.5" fill="none" stroke="currentColor" stroke-width="1.5" />
      </svg>
    </label>
  );
}

function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="var(--peer)" />
      <g fill="#fff">
        <path d="M6 11c3-3.4 7-3.4 10 0l3-2.4v4.8L16 11c-3 3.4-7 3.4-10 0z" />
        <path d="M12 21c3-3.4 7-3.4 10 0l3-2.4v4.8L22 21c-3 3.4-7 3.4-10 0z" opacity=".75" />
      </g>
    </svg>
  );
}
