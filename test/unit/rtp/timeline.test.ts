// The timeline from the outside: it starts at once, follows the sender's clock gently, keeps
// picture and sound together and never runs backwards.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Timeline } from '../../../ingest/rtp/timeline.ts';

type Kind = 'video' | 'audio';
const clockRatesHz = new Map<Kind, number>([
  ['video', 90_000],
  ['audio', 48_000],
]);
const startMs = 1_700_000_000_000;
const senderClockMs = 12_345_678;

/** A sender whose picture takes longer on its way than its sound. */
class Sender {
  readonly timeline = new Timeline(clockRatesHz);
  readonly #delaysMs: Readonly<Record<Kind, number>>;
  /** Clock of the sender relative to ours: 1 is exact. */
  readonly #speed: number;

  constructor(delaysMs: Readonly<Record<Kind, number>>, speed = 1) {
    this.#delaysMs = delaysMs;
    this.#speed = speed;
  }

  rtpTimestamp(kind: Kind, atMs: number): number {
    const base = kind === 'video' ? 4_294_900_000 : 77;
    return (base + Math.round(((atMs * this.#speed) / 1000) * (clockRatesHz.get(kind) ?? 0))) >>> 0;
  }

  /** Capture time of what happens at `atMs` after the start, less the true one. */
  errorMs(kind: Kind, atMs: number): number {
    const arrivalMs = startMs + atMs + this.#delaysMs[kind];
    const captureMs = this.timeline.captureTimeMs(kind, this.rtpTimestamp(kind, atMs), arrivalMs);
    return captureMs - (startMs + atMs);
  }

  report(kind: Kind, atMs: number, clockErrorMs = 0): void {
    this.timeline.handleSenderReport(kind, {
      ssrc: 1,
      ntpTimeMs: senderClockMs + atMs * this.#speed + clockErrorMs,
      ntpMiddleBits: 1,
      rtpTimestamp: this.rtpTimestamp(kind, atMs),
    });
  }
}

describe('the timeline', () => {
  it('starts with the arrival of the first frame, without a report', () => {
    const sender = new Sender({ video: 80, audio: 20 });
    expect(sender.errorMs('video', 0)).toBeCloseTo(80, 3);
    expect(sender.errorMs('audio', 0)).toBeCloseTo(20, 3);
    expect(sender.errorMs('video', 33)).toBeCloseTo(80, 1);
  });

  it('brings picture and sound together after the reports of both, without a jump', () => {
    const sender = new Sender({ video: 120, audio: 20 });
    const errors: { video: number; audio: number }[] = [];
    for (let atMs = 0; atMs < 12_000; atMs += 20) {
      if (atMs === 1_000) sender.report('video', atMs);
      if (atMs === 3_000) sender.report('audio', atMs);
      errors.push({ video: sender.errorMs('video', atMs), audio: sender.errorMs('audio', atMs) });
    }
    const beforeAudioReport = errors[149];
    expect((beforeAudioReport?.video ?? 0) - (beforeAudioReport?.audio ?? 0)).toBeCloseTo(100, 0);
    const last = errors.at(-1);
    expect(Math.abs((last?.video ?? 0) - 20)).toBeLessThan(1.5);
    expect(Math.abs((last?.audio ?? 0) - 20)).toBeLessThan(1.5);
    for (let index = 1; index < errors.length; index += 1) {
      const stepMs = Math.abs((errors[index]?.video ?? 0) - (errors[index - 1]?.video ?? 0));
      expect(stepMs).toBeLessThan(20 * 0.021 + 0.02);
    }
  });

  it('does not believe reports that tear picture and sound apart', () => {
    const sender = new Sender({ video: 50, audio: 50 });
    for (let atMs = 0; atMs < 20_000; atMs += 20) {
      if (atMs === 1_000) sender.report('video', atMs);
      if (atMs === 1_500) sender.report('audio', atMs, 60_000);
      const video = sender.errorMs('video', atMs);
      const audio = sender.errorMs('audio', atMs);
      expect(Math.abs(video - audio)).toBeLessThan(5);
    }
  });

  it('follows a sender whose clock runs fast or slow', () => {
    for (const speed of [0.9995, 1.0005]) {
      const sender = new Sender({ video: 40, audio: 40 }, speed);
      let worstMs = 0;
      for (let atMs = 0; atMs < 600_000; atMs += 20) {
        if (atMs % 2_000 === 0) sender.report('video', atMs);
        if (atMs % 5_000 === 0) sender.report('audio', atMs);
        const video = sender.errorMs('video', atMs);
        const audio = sender.errorMs('audio', atMs);
        worstMs = Math.max(worstMs, Math.abs(video - 40), Math.abs(audio - 40));
        expect(Math.abs(video - audio)).toBeLessThan(5);
      }
      // EXT-X-PROGRAM-DATE-TIME may be off by 100 ms.
      expect(worstMs).toBeLessThan(90);
    }
  });

  it('leaves the pace of the picture alone while it is only a little off', () => {
    const sender = new Sender({ video: 60, audio: 20 });
    let audio = 0;
    for (let atMs = 0; atMs < 20_000; atMs += 20) {
      if (atMs === 1_000) sender.report('video', atMs);
      if (atMs === 1_500) sender.report('audio', atMs);
      expect(sender.errorMs('video', atMs)).toBeCloseTo(60, 1);
      audio = sender.errorMs('audio', atMs);
    }
    // The sound has moved to where the picture is.
    expect(audio).toBeCloseTo(60, 0);
  });

  it('starts anew when timestamps jump, still not backwards', () => {
    const timeline = new Timeline(clockRatesHz);
    const before = timeline.captureTimeMs('video', 90_000, startMs);
    const after = timeline.captureTimeMs('video', 3_000_000_000, startMs + 33);
    expect(after - before).toBeGreaterThan(0);
    expect(after - before).toBeLessThan(100);
  });

  it('never runs backwards and stays near the arrival, whatever the sender does', () => {
    const event = fc.record({
      kind: fc.constantFrom<Kind>('video', 'audio'),
      waitMs: fc.integer({ min: 0, max: 300 }),
      timestamp: fc.oneof(fc.constant(null), fc.integer({ min: 0, max: 0xffff_ffff })),
      report: fc.option(fc.integer({ min: 0, max: 2 ** 40 })),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200 }), (events) => {
        const timeline = new Timeline(clockRatesHz);
        const last = new Map<Kind, number>();
        let nowMs = startMs;
        for (const { kind, waitMs, timestamp, report } of events) {
          nowMs += waitMs;
          const regular = Math.round(((nowMs - startMs) / 1000) * (clockRatesHz.get(kind) ?? 0));
          const rtpTimestamp = timestamp ?? regular;
          if (report !== null) {
            timeline.handleSenderReport(kind, {
              ssrc: 1,
              ntpTimeMs: report,
              ntpMiddleBits: 1,
              rtpTimestamp,
            });
          }
          const captureMs = timeline.captureTimeMs(kind, rtpTimestamp, nowMs);
          expect(captureMs).toBeGreaterThan(last.get(kind) ?? 0);
          expect(Math.abs(captureMs - nowMs)).toBeLessThan(6_000);
          last.set(kind, captureMs);
        }
      }),
    );
  });
});
