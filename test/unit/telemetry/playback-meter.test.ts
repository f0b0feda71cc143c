// Start-up, stalls and time played from media events, without a media element.
// player/telemetry/playback-meter.ts.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PlaybackEvent, PlaybackMeter } from '../../../player/telemetry/playback-meter.ts';

describe('PlaybackMeter', () => {
  it('measures start-up from load to the first frame, once', () => {
    const meter = new PlaybackMeter(1_000);
    meter.handle('waiting', 1_200);
    meter.handle('playing', 1_750);
    meter.handle('paused', 2_000);
    meter.handle('playing', 9_000);
    expect(meter.totals(9_000).startupSeconds).toBe(0.75);
    expect(meter.totals(9_000).stallCount).toBe(0);
  });

  it('counts waiting in the middle of playback as a stall', () => {
    const meter = new PlaybackMeter(0);
    meter.handle('playing', 100);
    meter.handle('waiting', 1_100);
    meter.handle('waiting', 1_200);
    meter.handle('playing', 1_600);
    expect(meter.totals(2_600)).toEqual({
      startupSeconds: 0.1,
      stallCount: 1,
      deviceStallCount: 0,
      stallSeconds: 0.5,
      playedSeconds: 2,
    });
  });

  it('tells stalls with media in the buffer from those for lack of it', () => {
    const meter = new PlaybackMeter(0);
    meter.handle('playing', 0, 4);
    meter.handle('waiting', 1_000, 3);
    meter.handle('playing', 2_000, 3);
    meter.handle('waiting', 5_000, 0.04);
    expect(meter.totals(6_000)).toMatchObject({ stallCount: 2, deviceStallCount: 1 });
  });

  it('counts a stall that goes on up to now', () => {
    const meter = new PlaybackMeter(0);
    meter.handle('playing', 0);
    meter.handle('waiting', 1_000);
    expect(meter.totals(4_000).stallSeconds).toBe(3);
  });

  it('does not take seeking, pausing or the end for stalls', () => {
    const meter = new PlaybackMeter(0);
    meter.handle('playing', 0);
    meter.handle('seeking', 1_000);
    meter.handle('waiting', 1_100);
    meter.handle('playing', 2_000);
    meter.handle('paused', 3_000);
    meter.handle('waiting', 3_500);
    meter.handle('ended', 4_000);
    expect(meter.totals(9_000)).toEqual({
      startupSeconds: 0,
      stallCount: 0,
      deviceStallCount: 0,
      stallSeconds: 0,
      playedSeconds: 2,
    });
  });

  it('never accounts for more time than has passed', () => {
    const event = fc.constantFrom<PlaybackEvent>(
      'playing',
      'waiting',
      'seeking',
      'paused',
      'ended',
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(event, fc.nat(5_000))), (steps) => {
        const meter = new PlaybackMeter(0);
        let nowMs = 0;
        for (const [name, passedMs] of steps) {
          nowMs += passedMs;
          meter.handle(name, nowMs);
        }
        const { stallSeconds, playedSeconds } = meter.totals(nowMs);
        expect(stallSeconds + playedSeconds).toBeLessThanOrEqual(nowMs / 1_000 + 1e-6);
      }),
    );
  });
});
