// When a viewer connects to its tracker again: soon, spread over viewers, rarer while it fails.
// player/delivery/pieces/reconnection.ts.

import { describe, expect, it, vi } from 'vitest';
import {
  quietSockets,
  reconnectDelayMs,
  reconnectSoon,
} from '../../../player/delivery/pieces/reconnection.ts';

describe('reconnecting to the tracker', () => {
  it('spreads the viewers of a dead tracker over four seconds', () => {
    const delays = Array.from({ length: 100 }, (_, index) =>
      reconnectDelayMs(0, () => index / 100),
    );
    expect(Math.min(...delays)).toBe(500);
    expect(Math.max(...delays)).toBeCloseTo(4_460);
    expect(new Set(delays).size).toBe(100);
  });

  it('waits longer after each failure, a minute at most', () => {
    const longest = [0, 1, 2, 3, 4, 20, 1_000].map((failures) =>
      reconnectDelayMs(failures, () => 1),
    );
    expect(longest).toEqual([4_500, 8_500, 16_500, 32_500, 60_000, 60_000, 60_000]);
  });

  it('leaves no timer in an open socket that only sends', () => {
    vi.useFakeTimers();
    const socket = { _interval: setInterval(() => undefined, 150) };
    quietSockets({
      _trackers: [{ socket, _startReconnectTimer: () => undefined, _openSocket: () => undefined }],
    });
    expect(vi.getTimerCount()).toBe(0);
    quietSockets({ _trackers: [{ socket: null }] });
    vi.useRealTimers();
  });

  it('leaves clients alone that are built differently', () => {
    const other = { _trackers: [{ url: 'x' }, null] };
    reconnectSoon(other, Math.random);
    expect(other).toEqual({ _trackers: [{ url: 'x' }, null] });
    reconnectSoon({}, Math.random);
  });
});
