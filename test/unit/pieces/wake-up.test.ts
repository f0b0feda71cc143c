// When schedulers are asked: once for a burst of events, at the earliest time that was named, together where
// that is nearly the same, and at once where nothing may wait.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type WakeUp, WakeUps } from '../../../player/delivery/pieces/wake-up.ts';

let runs: [string, number][];
let wakeUps: WakeUps;
let pictures: WakeUp;
let sound: WakeUp;

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  runs = [];
  wakeUps = new WakeUps(() => Date.now());
  pictures = wakeUps.add(() => runs.push(['pictures', Date.now()]), 12);
  sound = wakeUps.add(() => runs.push(['sound', Date.now()]), 12);
});

afterEach(() => {
  pictures.close();
  sound.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe('a scheduler', () => {
  it('runs once for a burst of events', () => {
    for (let index = 0; index < 5; index += 1) pictures.within(2);
    vi.advanceTimersByTime(100);
    expect(runs).toEqual([['pictures', 2]]);
  });

  it('runs at the earliest of the times that were named, and not again for the others', () => {
    pictures.within(50);
    vi.advanceTimersByTime(10);
    pictures.within(2);
    pictures.within(20);
    pictures.within(400);
    vi.advanceTimersByTime(1_000);
    expect(runs).toEqual([['pictures', 12]]);
  });

  it('does not run for what nothing follows from', () => {
    pictures.within(Number.POSITIVE_INFINITY);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('runs at once where nothing may wait, and not again for what was planned', () => {
    pictures.within(20);
    pictures.now();
    vi.advanceTimersByTime(100);
    expect(runs).toEqual([['pictures', 0]]);
  });

  it('names its next time while it runs', () => {
    let count = 0;
    const ticking = wakeUps.add(() => {
      count += 1;
      if (count < 3) ticking.within(100);
    }, 12);
    ticking.now();
    vi.advanceTimersByTime(1_000);
    expect(count).toBe(3);
    ticking.close();
  });

  it('does nothing when it is closed', () => {
    pictures.within(5);
    pictures.close();
    pictures.now();
    vi.advanceTimersByTime(100);
    expect(runs).toEqual([]);
  });
});

describe('the schedulers of a playback', () => {
  it('run together where they soon would, and else each at its time', () => {
    pictures.within(20);
    sound.within(28);
    vi.advanceTimersByTime(100);
    pictures.within(20);
    sound.within(60);
    vi.advanceTimersByTime(100);
    expect(runs).toEqual([
      ['pictures', 20],
      ['sound', 20],
      ['pictures', 120],
      ['sound', 160],
    ]);
  });

  it('wait for each other as long as they may', () => {
    const patient = wakeUps.add(() => runs.push(['patient', Date.now()]), 60);
    patient.within(70);
    pictures.within(10);
    vi.advanceTimersByTime(100);
    expect(runs).toEqual([
      ['pictures', 10],
      ['patient', 10],
    ]);
    patient.close();
  });

  it('do not run in each other', () => {
    const order: string[] = [];
    const one = wakeUps.add(() => {
      order.push('one begins');
      other.now();
      order.push('one ends');
    }, 12);
    const other = wakeUps.add(() => order.push('other'), 12);
    one.now();
    vi.advanceTimersByTime(10);
    expect(order).toEqual(['one begins', 'one ends', 'other']);
    one.close();
    other.close();
  });

  it('go on when one of them fails', () => {
    const failing = wakeUps.add(() => {
      throw new Error('failed');
    }, 12);
    expect(() => failing.now()).toThrow('failed');
    failing.close();
    sound.within(5);
    vi.advanceTimersByTime(10);
    expect(runs).toEqual([['sound', 5]]);
  });
});
