// The rollup: every beacon counts once, in any order, and nothing grows without bound.

import type { DeliveryBeacon } from '@shoal/tracker/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseBeacon } from '../../../tracker/telemetry/beacon-schema.ts';
import { addCounters, noCounters } from '../../../tracker/telemetry/pure/delivery-counters.ts';
import { Rollup } from '../../../tracker/telemetry/pure/rollup.ts';
import {
  judgeSequence,
  SessionTable,
  sequenceWindow,
} from '../../../tracker/telemetry/pure/session-table.ts';
import type { TelemetryBatch } from '../../../tracker/telemetry/pure/telemetry-batch.ts';
import { beaconWith } from '../../support/beacons.ts';

const limits = { maxSessions: 100, maxPendingSums: 100 };
const nowMs = 1_800_000_000_000;

function sumOf(batch: TelemetryBatch | null) {
  return (batch?.delivery ?? []).reduce(
    (sum, { counters }) => addCounters(sum, counters),
    noCounters,
  );
}

const beaconArbitrary = fc.record({
  session: fc.constantFrom('session-aaaaaaaaaa', 'session-bbbbbbbbbb', 'session-cccccccccc'),
  sequence: fc.nat(sequenceWindow - 1),
  rendition: fc.constantFrom('720p', '360p', null),
  cdnBytes: fc.nat(10_000_000),
  peerBytes: fc.nat(10_000_000),
  stallSeconds: fc.double({ min: 0, max: 5, noNaN: true }),
  playedSeconds: fc.double({ min: 0, max: 5, noNaN: true }),
  startupSeconds: fc.option(fc.double({ min: 0, max: 60, noNaN: true })),
});

describe('sessions that several trackers have served', () => {
  it('are counted by either of them, wherever the numbers were seen', () => {
    const steps = fc.array(fc.record({ sequence: fc.nat(40), isHere: fc.boolean() }), {
      minLength: 1,
      maxLength: 60,
    });
    fc.assert(
      fc.property(steps, (seen) => {
        const note = (isHere: boolean): SessionTable => {
          const table = new SessionTable(10);
          for (const step of seen) {
            if (step.isHere !== isHere) continue;
            const beacon = parseBeacon(beaconWith({ sequence: step.sequence }));
            if (judgeSequence(table.get(beacon.session), step.sequence) === 'new') {
              table.note(beacon, nowMs, nowMs);
            }
          }
          return table;
        };
        const here = note(true);
        const session = beaconWith().session;
        const elsewhere = note(false).get(session);
        if (elsewhere !== undefined) here.learn(elsewhere);
        const record = here.get(session);
        const highest = Math.max(...seen.map(({ sequence }) => sequence));
        expect(record?.highestSequence).toBe(highest);
        for (const { sequence, isHere } of seen) {
          // What was too old for its own table when it came was not counted by it.
          const isCounted = seen.every(
            (other) => other.isHere !== isHere || other.sequence - sequence < sequenceWindow,
          );
          if (isCounted) expect(judgeSequence(record, sequence)).not.toBe('new');
        }
        expect(judgeSequence(record, highest + 1)).toBe('new');
      }),
    );
  });
});

describe('rollup', () => {
  it('gives the same sums for any order and any repetition of the same beacons', () => {
    const beacons = fc
      .uniqueArray(beaconArbitrary, {
        selector: ({ session, sequence }) => `${session}/${sequence}`,
        minLength: 1,
        maxLength: 60,
      })
      .chain((unique) =>
        fc.tuple(
          fc.constant(unique),
          fc.shuffledSubarray([...unique, ...unique, ...unique], {
            minLength: unique.length * 3,
          }),
        ),
      );
    fc.assert(
      fc.property(beacons, ([unique, shuffled]) => {
        const once = new Rollup(limits);
        for (const beacon of unique) once.addBeacon(parseBeacon(beaconWith(beacon)), nowMs);
        const often = new Rollup(limits);
        for (const beacon of shuffled) often.addBeacon(parseBeacon(beaconWith(beacon)), nowMs);
        const [expected, actual] = [once.takePending(), often.takePending()];
        expect(sumOf(actual)).toEqual(sumOf(expected));
        expect(sumOf(actual).cdnBytes).toBe(unique.reduce((sum, b) => sum + b.cdnBytes, 0));
        expect(actual?.audience).toEqual(expected?.audience);
        expect(actual?.audience[0]?.viewers).toBe(new Set(unique.map((b) => b.session)).size);
      }),
    );
  });

  it('sets aside what nobody can have received, and counts it apart', () => {
    const rollup = new Rollup({ ...limits, maxBitrateBps: () => 4e6 });
    const add = (changes: Parameters<typeof beaconWith>[0], atMs = nowMs) =>
      rollup.addBeacon(parseBeacon(beaconWith({ uploadedBytes: 65e6, ...changes })), atMs);
    // 5 s and a minute ahead at twice 4 Mbit/s are 65 MB.
    expect(add({ sequence: 0, cdnBytes: 1e6, peerBytes: 64e6 })).toBe('new');
    expect(add({ sequence: 1, cdnBytes: 1e6, peerBytes: 64e6 + 1 })).toBe('set-aside');
    expect(add({ sequence: 1, cdnBytes: 1e6, peerBytes: 64e6 + 1 })).toBe('repeated');
    // An hour, claimed 5 s after the last beacon, is not believed either; half a minute may be late.
    const hour = { intervalMs: 3_600_000 };
    expect(add({ sequence: 2, ...hour, cdnBytes: 100e6 }, nowMs + 5_000)).toBe('set-aside');
    expect(add({ sequence: 3, ...hour, cdnBytes: 90e6 }, nowMs + 10_000)).toBe('new');
    expect(sumOf(rollup.takePending())).toMatchObject({
      cdnBytes: 91e6,
      setAsideCount: 2,
      setAsideBytes: 65e6 + 1 + 100e6 + 3_000,
    });
  });

  it('keeps the quality of viewers who exchange segments apart', () => {
    const rollup = new Rollup(limits);
    const add = (session: string, p2pEnabled: boolean, startupSeconds: number) =>
      rollup.addBeacon(parseBeacon(beaconWith({ session, p2pEnabled, startupSeconds })), nowMs);
    add('session-aaaaaaaaaa', true, 1);
    add('session-bbbbbbbbbb', false, 3);
    expect(sumOf(rollup.takePending())).toMatchObject({
      playedMs: 9_500,
      stalledMs: 500,
      startupCount: 2,
      startupMs: 4_000,
      sharingPlayedMs: 4_750,
      sharingStalledMs: 250,
      sharingStartupCount: 1,
      sharingStartupMs: 1_000,
    });
  });

  it('keeps the quality of viewers whom chance has held out apart from others without peers', () => {
    const rollup = new Rollup(limits);
    const add = (session: string, changes: Partial<DeliveryBeacon>) =>
      rollup.addBeacon(parseBeacon(beaconWith({ session, ...changes })), nowMs);
    add('session-aaaaaaaaaa', {
      p2pEnabled: false,
      heldOut: true,
      startupSeconds: 2,
      peerBytes: 0,
    });
    add('session-bbbbbbbbbb', { p2pEnabled: false, startupSeconds: 3 });
    add('session-cccccccccc', { p2pEnabled: true, heldOut: false });
    expect(sumOf(rollup.takePending())).toMatchObject({
      playedMs: 14_250,
      sharingPlayedMs: 4_750,
      heldOutMediaBytes: 1_000,
      heldOutPlayedMs: 4_750,
      heldOutStalledMs: 250,
      heldOutStartupCount: 1,
      heldOutStartupMs: 2_000,
      heldOutLatencyCount: 1,
      heldOutLatencyMs: 6_500,
    });
  });

  it('counts a viewer once per bucket and again in the next one', () => {
    const rollup = new Rollup(limits);
    for (const [sequence, afterMs] of [
      [0, 0],
      [1, 5_000],
      [2, 10_000],
    ] as const) {
      rollup.addBeacon(parseBeacon(beaconWith({ sequence })), nowMs + afterMs);
    }
    expect(rollup.takePending()?.audience).toEqual([
      { bucketAtMs: nowMs, stream: 'demo', viewers: 1 },
      { bucketAtMs: nowMs + 10_000, stream: 'demo', viewers: 1 },
    ]);
  });

  it('does not count what is too far behind to be told from a repeat', () => {
    const rollup = new Rollup(limits);
    rollup.addBeacon(parseBeacon(beaconWith({ sequence: 100 })), nowMs);
    expect(rollup.addBeacon(parseBeacon(beaconWith({ sequence: 69 })), nowMs)).toBe('new');
    expect(rollup.addBeacon(parseBeacon(beaconWith({ sequence: 68 })), nowMs)).toBe('too-old');
  });

  it('remembers across a restart what was counted', () => {
    const before = new Rollup(limits);
    before.addBeacon(parseBeacon(beaconWith({ sequence: 3 })), nowMs);
    before.addBeacon(parseBeacon(beaconWith({ sequence: 5 })), nowMs);
    const after = new Rollup(limits);
    after.sessions.restore(before.takePending()?.sessions ?? []);
    const verdicts = [3, 4, 5, 6].map((sequence) =>
      after.addBeacon(parseBeacon(beaconWith({ sequence })), nowMs),
    );
    expect(verdicts).toEqual(['repeated', 'new', 'repeated', 'new']);
  });

  it('loses nothing when a batch comes back because it could not be stored', () => {
    const rollup = new Rollup(limits);
    rollup.addBeacon(parseBeacon(beaconWith({ sequence: 0, cdnBytes: 5 })), nowMs);
    const failed = rollup.takePending();
    rollup.addBeacon(parseBeacon(beaconWith({ sequence: 1, cdnBytes: 7 })), nowMs);
    if (failed) rollup.returnPending(failed);
    const batch = rollup.takePending();
    expect(sumOf(batch).cdnBytes).toBe(12);
    expect(batch?.sessions.map(({ highestSequence }) => highestSequence)).toEqual([1]);
    expect(batch?.audience.map(({ viewers }) => viewers)).toEqual([1]);
    expect(rollup.takePending()).toBeNull();
  });

  it('refuses new sessions when the table is full, and takes them again after some expired', () => {
    const rollup = new Rollup({ maxSessions: 2, maxPendingSums: 100 });
    const add = (session: string, atMs: number, sequence = 0) =>
      rollup.addBeacon(parseBeacon(beaconWith({ session, sequence })), atMs);
    expect(add('session-aaaaaaaaaa', nowMs)).toBe('new');
    expect(add('session-bbbbbbbbbb', nowMs + 1_000)).toBe('new');
    expect(add('session-cccccccccc', nowMs + 1_000)).toBe('full');
    expect(add('session-aaaaaaaaaa', nowMs + 1_000, 1)).toBe('new');
    rollup.sessions.expire(nowMs + 62_000, 60_000);
    expect(add('session-cccccccccc', nowMs + 62_000)).toBe('new');
  });

  it('refuses a flood of stream names instead of keeping them all', () => {
    const rollup = new Rollup({ maxSessions: 1_000, maxPendingSums: 10 });
    const verdicts = Array.from({ length: 20 }, (_, index) =>
      rollup.addBeacon(
        parseBeacon(
          beaconWith({ session: `session-${1_000_000_000 + index}`, stream: `s${index}` }),
        ),
        nowMs,
      ),
    );
    expect(verdicts.filter((verdict) => verdict === 'full')).toHaveLength(10);
    expect(rollup.sessions.size).toBe(10);
  });

  it('counts as viewers those who reported in the last 15 s and have not left', () => {
    const rollup = new Rollup(limits);
    const add = (session: string, atMs: number, changes = {}) =>
      rollup.addBeacon(parseBeacon(beaconWith({ session, ...changes })), atMs);
    add('session-gone-quiet', nowMs - 15_001);
    add('session-watching-1', nowMs - 15_000, { liveLatencySeconds: 4 });
    add('session-watching-2', nowMs, { liveLatencySeconds: 8 });
    add('session-watching-3', nowMs, { liveLatencySeconds: null });
    add('session-has-ended1', nowMs, { ended: true });
    // A clock that runs ahead makes a latency below zero, which must not count as a latency.
    add('session-elsewhere1', nowMs, { stream: 'other', liveLatencySeconds: -3 });
    expect(Object.fromEntries(rollup.sessions.audiences(nowMs))).toEqual({
      demo: { viewers: 3, liveLatencySeconds: 6 },
      other: { viewers: 1, liveLatencySeconds: null },
    });
  });
});
