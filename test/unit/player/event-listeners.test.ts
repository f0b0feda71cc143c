// The listeners of `hls.shoal`: who is told what, and what a faulty listener may break.

import { describe, expect, it } from 'vitest';
import { EventListeners } from '../../../player/event-listeners.ts';

interface Events {
  readonly count: number;
  readonly name: string;
}

describe('event listeners', () => {
  it('tells each event to its own listeners, until they stop', () => {
    const listeners = new EventListeners<Events>();
    const seen: (number | string)[] = [];
    const stop = listeners.add('count', (count) => seen.push(count));
    listeners.add('name', (name) => seen.push(name));
    listeners.emit('count', 1);
    listeners.emit('name', 'one');
    stop();
    stop();
    listeners.emit('count', 2);
    expect(seen).toEqual([1, 'one']);
    expect(listeners.has('count')).toBe(false);
    expect(listeners.has('name')).toBe(true);
  });

  it('lets one function listen twice and stop once', () => {
    const listeners = new EventListeners<Events>();
    let calls = 0;
    const listener = (): void => {
      calls += 1;
    };
    const stop = listeners.add('count', listener);
    listeners.add('count', listener);
    stop();
    listeners.emit('count', 1);
    expect(calls).toBe(1);
  });

  it('goes on past a listener that throws, and reports what it threw', async () => {
    const listeners = new EventListeners<Events>();
    const seen: number[] = [];
    listeners.add('count', () => {
      throw new Error('a fault of the page');
    });
    listeners.add('count', (count) => seen.push(count));
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    try {
      const reported = new Promise<unknown>((resolve) =>
        process.once('uncaughtException', resolve),
      );
      listeners.emit('count', 3);
      expect(seen).toEqual([3]);
      expect(await reported).toMatchObject({ message: 'a fault of the page' });
    } finally {
      for (const other of others) process.on('uncaughtException', other);
    }
  });

  it('leaves nobody after clear, also for those who stop later', () => {
    const listeners = new EventListeners<Events>();
    let calls = 0;
    const stop = listeners.add('count', () => {
      calls += 1;
    });
    listeners.clear();
    stop();
    listeners.emit('count', 1);
    expect(calls).toBe(0);
  });
});
