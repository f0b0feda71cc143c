// When the scheduler is asked: once for a burst of events, at the earliest time that was named, and at once
// where nothing may wait.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WakeUp } from '../../../player/delivery/pieces/wake-up.ts';

let runsAtMs: number[];
let wakeUp: WakeUp;

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  runsAtMs = [];
  wakeUp = new WakeUp({ nowMs: () => Date.now(), run: () => runsAtMs.push(Date.now()) });
});

afterEach(() => {
  wakeUp.close();
  vi.useRealTimers();
});

describe('WakeUp', () => {
  it('runs once for a burst of events', () => {
    for (let index = 0; index < 5; index += 1) wakeUp.within(2);
    vi.advanceTimersByTime(100);
    expect(runsAtMs).toEqual([2]);
  });

  it('runs at the earliest of the times that were named, and not again for the others', () => {
    wakeUp.within(50);
    vi.advanceTimersByTime(10);
    wakeUp.within(2);
    wakeUp.within(20);
    wakeUp.within(400);
    vi.advanceTimersByTime(1_000);
    expect(runsAtMs).toEqual([12]);
  });

  it('does not run for what nothing follows from', () => {
    wakeUp.within(Number.POSITIVE_INFINITY);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('runs at once where nothing may wait, and not again for what was planned', () => {
    wakeUp.within(20);
    wakeUp.now();
    vi.advanceTimersByTime(100);
    expect(runsAtMs).toEqual([0]);
  });

  it('does nothing when it is closed', () => {
    wakeUp.within(5);
    wakeUp.close();
    wakeUp.within(5);
    wakeUp.now();
    vi.advanceTimersByTime(100);
    expect(runsAtMs).toEqual([]);
  });
});
