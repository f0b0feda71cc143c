// Transport-wide feedback against a decoder of its own, written from the draft: what the sender
// learns must be what was recorded, for any order, loss, wrap and pause.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TransportFeedbackRecorder } from '../../../ingest/rtp/transport-feedback.ts';

interface DecodedFeedback {
  readonly base: number;
  readonly count: number;
  /** Arrival in milliseconds modulo 2^24 × 64 by sequence number. */
  readonly arrivals: ReadonlyMap<number, number>;
}

/** draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1, all chunk types. */
function decode(bytes: Buffer): DecodedFeedback {
  expect(bytes[0]).toSatisfy((first: number) => (first & 0xdf) === 0x8f);
  expect(bytes[1]).toBe(205);
  expect(bytes.length).toBe((bytes.readUInt16BE(2) + 1) * 4);
  const base = bytes.readUInt16BE(12);
  const statusCount = bytes.readUInt16BE(14);
  let timeMs = bytes.readUIntBE(16, 3) * 64;
  const symbols: number[] = [];
  let offset = 20;
  while (symbols.length < statusCount) {
    const chunk = bytes.readUInt16BE(offset);
    offset += 2;
    if (chunk >> 15 === 0) {
      for (let run = chunk & 0x1fff; run > 0; run -= 1) symbols.push((chunk >> 13) & 3);
    } else if ((chunk >> 14) & 1) {
      for (let shift = 12; shift >= 0; shift -= 2) symbols.push((chunk >> shift) & 3);
    } else {
      for (let shift = 13; shift >= 0; shift -= 1) symbols.push((chunk >> shift) & 1);
    }
  }
  const arrivals = new Map<number, number>();
  for (const [index, symbol] of symbols.slice(0, statusCount).entries()) {
    if (symbol === 0) continue;
    timeMs += (symbol === 1 ? bytes.readUInt8(offset) : bytes.readInt16BE(offset)) / 4;
    offset += symbol === 1 ? 1 : 2;
    arrivals.set((base + index) & 0xffff, timeMs);
  }
  const paddingBytes = (bytes.readUInt8(0) & 0x20) !== 0 ? bytes.readUInt8(bytes.length - 1) : 0;
  expect(offset + paddingBytes).toBe(bytes.length);
  return { base, count: bytes.readUInt8(19), arrivals };
}

const referenceWrapMs = 2 ** 24 * 64;
const startMs = 1_700_000_000_000;

function take(recorder: TransportFeedbackRecorder, nowMs: number): DecodedFeedback[] {
  return recorder.take(7, nowMs).map((packet) => decode(Buffer.from(packet)));
}

describe('transport-wide feedback', () => {
  it('tells every arrival once the sender has put the feedbacks together', () => {
    const step = fc.record({
      skip: fc.integer({ min: -3, max: 12 }),
      waitMs: fc.oneof(
        fc.double({ min: 0, max: 60, noNaN: true }),
        fc.double({ min: 0, max: 9_000, noNaN: true }),
      ),
      isTaken: fc.boolean(),
    });
    const sequence = fc.integer({ min: 0, max: 0xffff });
    fc.assert(
      fc.property(sequence, fc.array(step, { minLength: 1, maxLength: 80 }), (first, steps) => {
        const recorder = new TransportFeedbackRecorder(1);
        const recorded = new Map<number, number>();
        const told = new Map<number, number>();
        let nowMs = startMs;
        let position = first;
        const collect = (): void => {
          for (const { arrivals } of take(recorder, nowMs)) {
            // A sender forgets a packet once it was told of it: the first word counts.
            for (const [number, timeMs] of arrivals)
              if (!told.has(number)) told.set(number, timeMs);
          }
        };
        for (const { skip, waitMs, isTaken } of steps) {
          nowMs += waitMs;
          position += skip;
          const number = position & 0xffff;
          if (!recorded.has(number)) recorded.set(number, nowMs);
          recorder.record(number, nowMs);
          if (isTaken) collect();
        }
        collect();
        collect();
        expect([...told.keys()].sort()).toEqual([...recorded.keys()].sort());
        for (const [number, timeMs] of recorded) {
          const difference = Math.abs((told.get(number) ?? 0) - (timeMs % referenceWrapMs));
          expect(Math.min(difference, referenceWrapMs - difference)).toBeLessThanOrEqual(0.126);
        }
      }),
    );
  });

  it('counts its packets and covers the numbers in between as missing', () => {
    const recorder = new TransportFeedbackRecorder(1);
    recorder.record(0xfffe, startMs);
    recorder.record(2, startMs + 3);
    const [first] = take(recorder, startMs + 10);
    expect(first?.base).toBe(0xfffe);
    expect([...(first?.arrivals.keys() ?? [])]).toEqual([0xfffe, 2]);
    recorder.record(3, startMs + 20);
    expect(take(recorder, startMs + 30).map(({ count }) => count)).toEqual([1]);
    expect(take(recorder, startMs + 40)).toEqual([]);
  });

  it('crosses the wrap of the 24-bit reference time', () => {
    const wrapMs = referenceWrapMs * 1_585; // a multiple, near today
    const recorder = new TransportFeedbackRecorder(1);
    recorder.record(1, wrapMs - 10);
    recorder.record(2, wrapMs + 10);
    const [feedback] = take(recorder, wrapMs + 20);
    const [before = 0, after = 0] = [...(feedback?.arrivals.values() ?? [])];
    expect(after - before).toBe(20);
    recorder.record(3, wrapMs + 70);
    const [next] = take(recorder, wrapMs + 80);
    expect([...(next?.arrivals.values() ?? [])]).toEqual([70]);
  });

  it('starts anew when the sender does, and forgets what it has told', () => {
    const recorder = new TransportFeedbackRecorder(1);
    for (let number = 0; number < 30_000; number += 1) {
      recorder.record(number & 0xffff, startMs + number);
      if (number % 50 === 0) recorder.take(7, startMs + number);
    }
    take(recorder, startMs + 30_000);
    recorder.record(50_000, startMs + 30_001);
    expect(take(recorder, startMs + 30_002).map(({ base }) => base)).toEqual([50_000]);
    expect(recorder.overflowCount).toBe(0);
  });
});
