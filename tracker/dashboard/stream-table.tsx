// Every stream with its share, one click from its own figures. Shows the list that the tracker
// gives; the app decides what a click does.

import type { StreamSavings } from '@shoal/tracker/protocol';
import { bytes, count, percent, text } from './format.ts';
import { formatView, type View } from './url-state.ts';

interface StreamTableProps {
  readonly streams: readonly StreamSavings[];
  readonly view: View;
  readonly onChoose: (stream: string) => void;
}

export function StreamTable({ streams, view, onChoose }: StreamTableProps) {
  return (
    <section class="card" aria-labelledby="streams">
      <h2 id="streams">Streams</h2>
      <div class="table">
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
            {streams.map((row) => (
              <tr key={row.stream} class={row.stream === view.stream ? 'chosen' : undefined}>
                <th scope="row">
                  <a
                    href={formatView({ ...view, stream: row.stream })}
                    onClick={(event) => {
                      // Other clicks open a tab of their own, as with any link.
                      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
                      event.preventDefault();
                      onChoose(row.stream);
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
