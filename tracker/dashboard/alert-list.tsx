// The alerts of the window as a list, and a calm word when there are none. Shows what the rules in
// `alerts.ts` find.

import type { SavingsSummary } from '@shoal/tracker/protocol';
import { alertsOf } from './alerts.ts';
import { datedFromSeconds } from './url-state.ts';

/** More would push the figures off the page. */
const maxShown = 5;

export function AlertList({ summary }: { summary: SavingsSummary }) {
  const alerts = alertsOf(summary, summary.windowSeconds >= datedFromSeconds);
  const hidden = alerts.length - maxShown;
  return (
    <section class="card alerts" aria-labelledby="alerts">
      <h2 id="alerts">To look at</h2>
      {alerts.length === 0 ? (
        <p class="note">Nothing unusual in this window.</p>
      ) : (
        <ul>
          {alerts.slice(0, maxShown).map(({ atSeconds, sentence }) => (
            <li key={`${atSeconds ?? ''}${sentence}`}>{sentence}</li>
          ))}
        </ul>
      )}
      {hidden > 0 && <p class="note">And {hidden} more in this window.</p>}
    </section>
  );
}
