// Every stream with its share, one click from its own figures. Shows the list that the tracker
// gives; the app decides what a click does.

import { offloadRatio, type StreamSavings } from '@shoal/tracker/protocol';
import { bytes, count, percent, text } from './format.ts';
import { formatView, type StreamOrder, type View } from './url-state.ts';

interface StreamTableProps {
  readonly streams: readonly StreamSavings[];
  readonly view: View;
  readonly onChange: (view: View) => void;
}

const orders: Readonly<Record<StreamOrder, string>> = {
  traffic: 'Most traffic',
  worst: 'Lowest offload',
};

/** Without traffic there is nothing to be bad at. */
function ordered(streams: readonly StreamSavings[], order: StreamOrder): readonly StreamSavings[] {
  if (order === 'traffic') return streams;
  return [...streams].sort((a, b) => (offloadRatio(a) ?? 2) - (offloadRatio(b) ?? 2));
}

export function StreamTable({ streams, view, onChange }: StreamTableProps) {
  return (
    <section class="card" aria-labelledby="streams">
      <div class="panel-head">
        <h2 id="streams">Streams</h2>
        <fieldset class="segments">
          <legend class="hidden">Order</legend>
          {(['traffic', 'worst'] as const).map((order) => (
            <label key={order}>
              <input
                type="radio"
                name="order"
                checked={order === view.order}
                onChange={() => onChange({ ...view, order })}
              />
              <span>{orders[order]}</span>
            </label>
          ))}
        </fieldset>
      </div>
      <div class="table" id="streams-table">
        <table>
          <thead>
            <tr>
              <th scope="col">Stream</th>
              <th scope="col">Viewers</th>
              <th scope="col" class="wide">
                CDN
              </th>
              <th scope="col">Saved</th>
              <th scope="col">Offload</th>
            </tr>
          </thead>
          <tbody>
            {ordered(streams, view.order).map((row) => (
              <tr key={row.stream} class={row.stream === view.stream ? 'chosen' : undefined}>
                <th scope="row">
                  <a
                    href={formatView({ ...view, stream: row.stream })}
                    onClick={(event) => {
                      // Other clicks open a tab of their own, as with any link.
                      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
                      event.preventDefault();
                      onChange({ ...view, stream: row.stream });
                    }}
                  >
                    {row.stream}
                  </a>
                  {row.isLive && <span class="tag">live</span>}
                </th>
                <td>{count(row.viewers)}</td>
                <td class="wide">{text(bytes(row.cdnBytes))}</td>
                <td>{text(bytes(row.peerBytes))}</td>
                <td class="share">
                  <span>{text(percent(row.offloadRatio))}</span>
                  <i class="bar" aria-hidden="true">
                    <i style={{ width: `${(row.offloadRatio ?? 0) * 100}%` }} />
                  </i>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
