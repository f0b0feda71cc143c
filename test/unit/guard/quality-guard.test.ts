// When the guard turns peers down and off, when it brings them back, and whom it does not blame.

import { describe, expect, it } from 'vitest';
import { isHeldOut } from '../../../player/guard/hold-out.ts';
import {
  type GuardDecision,
  type GuardObservation,
  QualityGuard,
} from '../../../player/guard/quality-guard.ts';

const calm: GuardObservation = {
  nowMs: 0,
  isSharing: true,
  stallCount: 0,
  deviceStallCount: 0,
  stallSeconds: 0,
  deliveredBytes: 0,
  hedgedBytes: 0,
  cdnTroubleCount: 0,
  startupSeconds: null,
  cdnStartupSeconds: null,
  isBelowCdnQuality: false,
};

/** A playback that is observed once a second; fields change as the test says. */
class Playback {
  readonly guard = new QualityGuard(() => 0.5);
  now = calm;

  /** Lets `seconds` pass with `change` true from the beginning. */
  pass(seconds: number, change: Partial<GuardObservation> = {}): GuardDecision {
    this.now = { ...this.now, ...change };
    let decision = this.guard.decision;
    for (let second = 0; second < seconds; second += 1) {
      this.now = { ...this.now, nowMs: this.now.nowMs + 1_000 };
      decision = this.guard.observe(this.now);
    }
    return decision;
  }

  /** Media arrives at a steady pace, a share of it late. */
  deliver(seconds: number, lateShare: number): GuardDecision {
    let decision = this.guard.decision;
    for (let second = 0; second < seconds; second += 1) {
      const { deliveredBytes, hedgedBytes } = this.now;
      decision = this.pass(1, {
        deliveredBytes: deliveredBytes + 100_000,
        hedgedBytes: hedgedBytes + 100_000 * lateShare,
      });
    }
    return decision;
  }

  /** After a while from the CDN alone. */
  meetOthers(): void {
    this.pass(10, { isSharing: false });
    this.pass(1, { isSharing: true });
  }

  stall(seconds: number): GuardDecision {
    const { stallCount, stallSeconds } = this.now;
    const decision = this.pass(1, { stallCount: stallCount + 1 });
    for (let second = 1; second <= seconds; second += 1)
      this.pass(1, { stallSeconds: stallSeconds + second });
    return seconds > 0 ? this.guard.decision : decision;
  }
}

/** Seconds until the level is `level`, at most an hour. */
function secondsUntil(playback: Playback, level: string): number {
  for (let second = 1; second <= 3_600; second += 1)
    if (playback.pass(1).level === level) return second;
  return Number.POSITIVE_INFINITY;
}

describe('the quality guard', () => {
  it('leaves peers alone while playback is well', () => {
    const playback = new Playback();
    expect(playback.deliver(600, 0.05)).toEqual({ level: 'full', reason: null });
  });

  it('is careful after a stall, and leaves the swarm after a second one', () => {
    const playback = new Playback();
    playback.pass(30);
    expect(playback.stall(0)).toEqual({ level: 'careful', reason: 'stall' });
    playback.pass(10);
    expect(playback.stall(0)).toEqual({ level: 'off', reason: 'stall' });
  });

  it('leaves the swarm at once when a stall is long', () => {
    const playback = new Playback();
    playback.pass(30);
    expect(playback.stall(3)).toEqual({ level: 'off', reason: 'long-stall' });
  });

  it('does not blame peers for stalls while the CDN is in trouble, nor without peers', () => {
    const troubled = new Playback();
    troubled.pass(30);
    troubled.pass(1, { cdnTroubleCount: 1 });
    expect(troubled.stall(10).level).toBe('full');
    const alone = new Playback();
    alone.pass(30, { isSharing: false });
    expect(alone.stall(5).level).toBe('full');
  });

  it('does not blame peers for what a device cannot play although it has it', () => {
    const playback = new Playback();
    playback.pass(30);
    playback.pass(1, { stallCount: 1, deviceStallCount: 1 });
    expect(playback.pass(5, { stallSeconds: 5 }).level).toBe('full');
    // The next one is for lack of media.
    expect(playback.pass(1, { stallCount: 2 })).toEqual({ level: 'careful', reason: 'stall' });
    expect(playback.pass(1, { stallSeconds: 8 })).toEqual({ level: 'off', reason: 'long-stall' });
  });

  it('blames peers who have just left', () => {
    const playback = new Playback();
    playback.pass(30);
    playback.pass(2, { isSharing: false });
    expect(playback.stall(0).level).toBe('careful');
  });

  it('comes back from careful after a quiet minute, not before', () => {
    const playback = new Playback();
    playback.pass(30);
    playback.stall(0);
    expect(playback.pass(55).level).toBe('careful');
    expect(playback.pass(10).level).toBe('full');
  });

  it('stays away twice as long each time, and at most a quarter of an hour', () => {
    const playback = new Playback();
    playback.pass(30);
    const awaySeconds: number[] = [];
    for (let turn = 0; turn < 8; turn += 1) {
      playback.stall(3);
      expect(playback.guard.decision.level).toBe('off');
      awaySeconds.push(secondsUntil(playback, 'careful'));
    }
    expect(awaySeconds[1]).toBeGreaterThan(1.7 * (awaySeconds[0] ?? 0));
    expect(awaySeconds[2]).toBeGreaterThan(1.7 * (awaySeconds[1] ?? 0));
    expect(Math.max(...awaySeconds)).toBeLessThanOrEqual(15 * 60);
  });

  it('forgives what is long past', () => {
    const playback = new Playback();
    playback.pass(30);
    playback.stall(3);
    const firstSeconds = secondsUntil(playback, 'careful');
    expect(secondsUntil(playback, 'full')).toBeLessThan(90);
    playback.pass(400);
    playback.stall(3);
    expect(secondsUntil(playback, 'careful')).toBeLessThan(1.1 * firstSeconds);
  });

  it('is careful when peers are often late, until they are seldom late', () => {
    const playback = new Playback();
    playback.deliver(30, 0.05);
    expect(playback.deliver(30, 0.5)).toEqual({ level: 'careful', reason: 'late-pieces' });
    // Between the two limits nothing changes, however long it takes.
    expect(playback.deliver(300, 0.2).level).toBe('careful');
    expect(playback.deliver(120, 0.02).level).toBe('full');
  });

  it('does not blame those whom it has just met', () => {
    const playback = new Playback();
    playback.meetOthers();
    expect(playback.deliver(4, 0.9).level).toBe('full');
    for (let second = 0; second < 60; second += 1)
      expect(playback.deliver(1, 0.05).level).toBe('full');
  });

  it('finds out after 25 s about those who were late from the start', () => {
    const playback = new Playback();
    playback.meetOthers();
    expect(playback.deliver(24, 0.9).level).toBe('full');
    expect(playback.deliver(2, 0.9)).toEqual({ level: 'careful', reason: 'late-pieces' });
  });

  it('gives those whom it meets again after a pause the same time', () => {
    const playback = new Playback();
    playback.pass(30);
    playback.stall(3);
    playback.pass(1, { isSharing: false });
    secondsUntil(playback, 'careful');
    playback.pass(30);
    playback.pass(1, { isSharing: true });
    playback.deliver(4, 0.9);
    for (let second = 0; second < 40; second += 1)
      expect(playback.deliver(1, 0.15).level).toBe('careful');
  });

  it('leaves a swarm that is of no use', () => {
    const playback = new Playback();
    playback.deliver(30, 0.05);
    expect(playback.deliver(90, 0.9)).toEqual({ level: 'off', reason: 'late-pieces' });
  });

  it('judges a start once, against what the CDN would have taken', () => {
    const slow = new Playback();
    expect(slow.pass(1, { startupSeconds: 6, cdnStartupSeconds: 1 }).reason).toBe('slow-start');
    expect(slow.pass(20).level).toBe('careful');
    const quick = new Playback();
    expect(quick.pass(5, { startupSeconds: 2, cdnStartupSeconds: 1 }).level).toBe('full');
  });

  it('is careful when the rendition stays below what the CDN allows', () => {
    const playback = new Playback();
    expect(playback.pass(15, { isBelowCdnQuality: true }).level).toBe('full');
    playback.pass(1, { isBelowCdnQuality: false });
    expect(playback.pass(15, { isBelowCdnQuality: true }).level).toBe('full');
    expect(playback.pass(10).reason).toBe('low-bitrate');
  });
});

describe('hold-out', () => {
  it('is the same for a session at all times, and nested in its shares', () => {
    for (let index = 0; index < 200; index += 1) {
      const session = `session-${index}-abcdefgh`;
      expect(isHeldOut(session, 0.9)).toBe(isHeldOut(session, 0.9));
      if (isHeldOut(session, 0.9)) expect(isHeldOut(session, 0.5)).toBe(true);
    }
  });

  it('holds out the share that was asked for', () => {
    const sessions = Array.from({ length: 20_000 }, (_, index) => `s${index * 7_919}xyz`);
    const heldOut = sessions.filter((session) => isHeldOut(session, 0.9)).length;
    expect(heldOut / sessions.length).toBeGreaterThan(0.09);
    expect(heldOut / sessions.length).toBeLessThan(0.11);
    expect(sessions.some((session) => isHeldOut(session, 1))).toBe(false);
    expect(sessions.every((session) => isHeldOut(session, 0))).toBe(true);
  });
});
