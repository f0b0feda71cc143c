// What was delivered where, and how well: a row a country. Shows the list that the tracker gives,
// which is empty without a geo database.

import type { RegionSavings, RegionSavingsList } from '@shoal/tracker/protocol';
import { bytes, percent, seconds, text } from './format.ts';

/** More rows than this are countries with a handful of viewers. */
const maxRows = 20;

const names = new Intl.DisplayNames('en', { type: 'region' });

function nameOf(region: string | null): string {
  if (region === null) return 'Not known';
  try {
    return names.of(region) ?? region;
  } catch {
    return region;
  }
}

export function RegionTable({ list }: { list: RegionSavingsList | null }) {
  const regions = list?.regions ?? [];
  // One row of viewers from nowhere says nothing.
  if (regions.every(({ region }) => region === null)) return null;
  return (
    <section class="card" aria-labelledby="regions">
      <h2 id="regions">Regions</h2>
      <div class="table">
        <table>
          <thead>
            <tr>
              <th scope="col">Country</th>
              <th scope="col" class="wide">
                CDN
              </th>
              <th scope="col">Saved</th>
              <th scope="col" class="wide">
                Start-up
              </th>
              <th scope="col">Stalled</th>
              <th scope="col">Offload</th>
            </tr>
          </thead>
          <tbody>
            {regions.slice(0, maxRows).map((row) => (
              <Row key={row.region ?? ''} row={row} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Row({ row }: { row: RegionSavings }) {
  return (
    <tr>
      <th scope="row">{nameOf(row.region)}</th>
      <td class="wide">{text(bytes(row.cdnBytes))}</td>
      <td>{text(bytes(row.peerBytes))}</td>
      <td class="wide">{text(seconds(row.startupSeconds))}</td>
      <td>{text(percent(row.stallRatio, 2))}</td>
      <td class="share">
        <span>{text(percent(row.offloadRatio))}</span>
        <i class="bar" aria-hidden="true">
          <i style={{ width: `${(row.offloadRatio ?? 0) * 100}%` }} />
        </i>
      </td>
    </tr>
  );
}
