// What a swarm says it received against what it says it sent: honest swarms are believed, whatever
// their size and the order of their beacons, invented peers are not.
// tracker/telemetry/pure/swarm-balance.ts.

import { parseStreamId } from '@shoal/ingest/protocol';
import { describe, expect, it } from 'vitest';
import { parseBeacon } from '../../../tracker/telemetry/beacon-schema.ts';
import { addCounters, noCounters } from '../../../tracker/telemetry/pure/delivery-counters.ts';
import { Rollup } from '../../../tracker/telemetry/pure/rollup.ts';
import { beaconWith } from '../../support/beacons.ts';

const startMs = 1_800_000_000_000;
const bitrateBps = 2_400_000;
const bytesPerBeacon = (bitrateBps / 8) * 5;
/** Ten minutes. */
const rounds = 120;
const demo = parseStreamId('demo');

interface Viewer {
  readonly name: string;
  readonly receivedShare: number;
  readonly sentShare: number;
  /** Within the interval of five seconds. */
  readonly offsetMs: number;
}

/** Ten minutes of beacons; what was set aside, by viewer. */
function watch(viewers: readonly Viewer[]): Map<string, number> {
  const rollup = new Rollup({
    maxSessions: 10_000,
    maxPendingSums: 1_000,
    maxBitrateBps: (stream) => (stream === demo ? bitrateBps : null),
  });
  const setAside = new Map<string, number>();
  let sums = noCounters;
  for (let round = 0; round < rounds; round += 1) {
    for (const { name, receivedShare, sentShare, offsetMs } of viewers) {
      const beacon = beaconWith({
        session: name.padEnd(20, '-'),
        sequence: round,
        cdnBytes: Math.round(bytesPerBeacon * (1 - Math.min(1, receivedShare))),
        peerBytes: Math.round(bytesPerBeacon * receivedShare),
        uploadedBytes: Math.round(bytesPerBeacon * sentShare),
      });
      const nowMs = startMs + round * 5_000 + offsetMs;
      if (rollup.addBeacon(parseBeacon(beacon), nowMs) === 'set-aside') {
        setAside.set(name, (setAside.get(name) ?? 0) + 1);
      }
    }
    for (const { counters } of rollup.takePending()?.delivery ?? []) {
      sums = addCounters(sums, counters);
    }
  }
  expect(sums.setAsideCount).toBe([...setAside.values()].reduce((sum, count) => sum + count, 0));
  return setAside;
}

describe('the balance of a swarm', () => {
  it.each([3, 200])('believes %i honest viewers, a third of whom only receive', (count) => {
    const viewers = Array.from({ length: count }, (_, index) => ({
      name: `viewer-${index}`,
      receivedShare: 0.9,
      sentShare: index % 3 === 0 ? 0 : 1.35,
      // All receivers report first: the worst order.
      offsetMs: index % 3 === 0 ? 0 : 4_900,
    }));
    expect(watch(viewers)).toEqual(new Map());
  });

  it('sets aside peers that nobody was, and counts that', () => {
    const setAside = watch([{ name: 'inventor', receivedShare: 1, sentShare: 0, offsetMs: 0 }]);
    expect(setAside.get('inventor')).toBeGreaterThan(rounds * 0.6);
  });

  it('sets aside what inventors claim in an honest swarm, not what its givers report', () => {
    const honest = Array.from({ length: 20 }, (_, index) => ({
      name: `giver-${index}`,
      receivedShare: 0.8,
      sentShare: 0.8,
      offsetMs: 2_000,
    }));
    const inventors = Array.from({ length: 40 }, (_, index) => ({
      name: `inventor-${index}`,
      receivedShare: 1,
      sentShare: 0,
      offsetMs: 3_000,
    }));
    const setAside = watch([...honest, ...inventors]);
    expect([...setAside.keys()].filter((name) => name.startsWith('giver'))).toEqual([]);
    const total = [...setAside.values()].reduce((sum, count) => sum + count, 0);
    expect(total).toBeGreaterThan(40 * rounds * 0.7);
  });
});
