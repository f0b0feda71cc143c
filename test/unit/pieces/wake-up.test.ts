// When the scheduler is asked: once for a burst of events, at the time that it has named, and at once
// where nothing may wait.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WakeUp } from '../../../player/delivery/pieces/wake-up.ts';

let runsAtMs: number[];
let wakeUp: WakeUp;

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  runsAtMs = [];
  wakeUp = new WakeUp(() => runsAtMs.push(Date.now()));
});

afterEach(() => {
  wakeUp.close();
  vi.useRealTimers();
});

describe('WakeUp', () => {
  it('runs once for a burst of events', () => {
    for (let index = 0; index < 5; index += 1) wakeUp.soon();
    vi.advanceTimersByTime(100);
    expect(runsAtMs).toEqual([2]);
  });

  it('runs at the time that was named, and with an event before it only then', () => {
    wakeUp.after(50);
    vi.advanceTimersByTime(10);
    wakeUp.soon();
    wakeUp.after(400);
    vi.advanceTimersByTime(300);
    expect(runsAtMs).toEqual([12]);
  });

  it('runs at once where nothing may wait, and not again for what was planned', () => {
    wakeUp.soon();
    wakeUp.now();
    vi.advanceTimersByTime(100);
    expect(runsAtMs).toEqual([0]);
  });

  it('does nothing when it is closed', () => {
    wakeUp.after(5);
    wakeUp.close();
    wakeUp.soon();
    wakeUp.now();
    vi.advanceTimersByTime(100);
    expect(runsAtMs).toEqual([]);
  });
});
