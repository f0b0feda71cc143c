// What the saved bytes are worth: today, this month, a year at this pace, at a price that the reader
// may change. The price is part of the address, so that a shared link shows the same sums.

import type { PeriodBytes, SavingsPeriods } from '@shoal/tracker/protocol';
import { bytes, money, text } from './format.ts';
import type { View } from './url-state.ts';

const gigabyte = 1e9;
const highestPrice = 100;

interface MoneyProps {
  readonly periods: SavingsPeriods | null;
  readonly view: View;
  readonly onChange: (view: View) => void;
}

export function Money({ periods, view, onChange }: MoneyProps) {
  if (periods === null) return null;
  const price = view.pricePerGb ?? periods.pricePerGb;
  const rows: readonly (readonly [string, string, PeriodBytes])[] = [
    ['today', 'Today', periods.today],
    ['month', 'This month', periods.month],
    ['year', 'A year at this pace', periods.projectedYear],
  ];
  return (
    <section class="card" aria-labelledby="money">
      <div class="panel-head">
        <h2 id="money">Money saved</h2>
        <label class="price">
          <span>Price per GB, {periods.currency}</span>
          <input
            type="number"
            inputMode="decimal"
            min="0"
            max={highestPrice}
            step="0.001"
            value={price}
            onChange={(event) => {
              const pricePerGb = Number(event.currentTarget.value);
              const isPrice = event.currentTarget.value !== '' && pricePerGb >= 0;
              onChange({
                ...view,
                pricePerGb: isPrice ? Math.min(pricePerGb, highestPrice) : null,
              });
            }}
          />
        </label>
      </div>
      <dl class="figures small">
        {rows.map(([name, label, { peerBytes, relayedBytes }]) => (
          <div class="figure" key={name} data-period={name}>
            <dt>{label}</dt>
            <dd class="amount">
              {money(((peerBytes - relayedBytes) / gigabyte) * price, periods.currency)}
            </dd>
            <dd class="note">
              {text(bytes(peerBytes - relayedBytes))}
              {relayedBytes > 0 && `, without ${text(bytes(relayedBytes))} through TURN`}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
