// Why a swarm took more from the CDN than one copy: the bytes that were fetched there by their reason,
// in copies, as benchmarks print them.

import type { FetchReason } from '@shoal/player/delivery';

const reasons: readonly FetchReason[] = ['owner', 'backup', 'hedge', 'start', 'alone'];
const leastCopies = 0.005;

/** @param copiesOf copies of a segment that were fetched for that reason */
export function copiesByReason(copiesOf: (reason: FetchReason) => number): string {
  return reasons
    .map((reason) => ({ reason, copies: copiesOf(reason) }))
    .filter(({ copies }) => copies >= leastCopies)
    .map(({ reason, copies }) => `${reason} ${copies.toFixed(2)}`)
    .join(', ');
}
