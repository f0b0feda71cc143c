// When a viewer's token is renewed: before it expires, not too often, and again after failures.
// player/viewer-tokens.ts; tokens are the tracker's own, only the clock is a fake.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type RefreshToken, ViewerTokens } from '../../../player/viewer-tokens.ts';
import { signViewerToken } from '../../../tracker/tracker.ts';

const secret = 'a secret for tests, long enough for HS256';
let tokens: ViewerTokens | null = null;
let renewals: [before: string | undefined, after: string][] = [];

/** Before the fake time passes: signing takes real time, in which answers would come too late. */
const sign = (lifetimeSeconds: number): Promise<string> =>
  signViewerToken(secret, { stream: 'demo', lifetimeSeconds });

function open(token: string | undefined, refresh: RefreshToken | null, offsetMs = 0): ViewerTokens {
  tokens = new ViewerTokens({
    token,
    refresh,
    nowMs: () => Date.now() + offsetMs,
    random: () => 0.5,
    onRenewed: (before, after) => renewals.push([before, after]),
  });
  return tokens;
}

beforeEach(() => {
  vi.useFakeTimers();
  renewals = [];
});

afterEach(() => {
  tokens?.close();
  tokens = null;
  vi.useRealTimers();
});

describe('a viewer token', () => {
  it('is asked for where there is none, and waited for', async () => {
    const first = await sign(600);
    const refresh = vi.fn(async () => first);
    const subject = open(undefined, refresh);
    expect(subject.current).toBeUndefined();
    await subject.ready();
    expect(subject.current).toBe(first);
    expect(refresh).toHaveBeenCalledWith(null);
    expect(renewals).toEqual([[undefined, first]]);
  });

  it('is renewed after three quarters of its life, and so on', async () => {
    const [first, second, third] = await Promise.all([sign(1_000), sign(2_000), sign(4_000)]);
    const answers = [second, third];
    const refresh = vi.fn(async () => answers.shift() ?? null);
    const subject = open(first, refresh);
    await vi.advanceTimersByTimeAsync(740_000);
    expect(refresh).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(subject.current).toBe(second);
    await vi.advanceTimersByTimeAsync(1_450_000);
    expect(refresh).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(subject.current).toBe(third);
    expect(refresh.mock.calls).toEqual([[first], [second]]);
  });

  it('that came with an old page is renewed by the clock, and a wrong clock does no harm', async () => {
    const [first, fresh] = await Promise.all([sign(1_000), sign(1_000)]);
    const late = vi.fn(async () => fresh);
    open(first, late, 900_000);
    await vi.advanceTimersByTimeAsync(76_000);
    expect(late).toHaveBeenCalledTimes(1);
    // By this clock every new token has expired already.
    const wrong = vi.fn(async () => fresh);
    open(first, wrong, 3_600_000);
    await vi.advanceTimersByTimeAsync(700_000);
    expect(wrong).toHaveBeenCalledTimes(1);
  });

  it('is asked for every 5 s at most, and more rarely while nobody answers', async () => {
    const brief = await sign(1);
    const shortLived = vi.fn(async () => brief);
    open(undefined, shortLived);
    await vi.advanceTimersByTimeAsync(20_500);
    expect(shortLived.mock.calls.length).toBeLessThanOrEqual(5);
    tokens?.close();
    const failing = vi.fn(async () => Promise.reject(new Error('no service')));
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    open(undefined, failing);
    await vi.advanceTimersByTimeAsync(36_000);
    // At 0, 5, 15 and 35 s.
    expect(failing).toHaveBeenCalledTimes(4);
    expect(warn).toHaveBeenCalledTimes(4);
    warn.mockRestore();
  });

  it('that the tracker refuses is replaced, if there is a way to a new one', async () => {
    const [revoked, fresh] = await Promise.all([sign(1_000), sign(1_000)]);
    const subject = open(revoked, async () => fresh);
    expect(subject.refused()).toBe(true);
    await vi.advanceTimersByTimeAsync(0);
    expect(subject.current).toBe(fresh);
    expect(open(revoked, null).refused()).toBe(false);
  });

  it('without an end, or none at all, is left alone', async () => {
    const refresh = vi.fn(async () => null);
    const subject = open('not a JWT', refresh);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(subject.current).toBe('not a JWT');
    expect(refresh).not.toHaveBeenCalled();
  });
});
