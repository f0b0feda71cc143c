// The small rules before a WHIP request is served: which entity tags match, and how many requests
// a client may make.

import { describe, expect, it } from 'vitest';
import { matchEntityTag } from '../../../ingest/whip/entity-tag.ts';
import { clientOf, RequestBudget } from '../../../ingest/whip/request-budget.ts';

describe('If-Match', () => {
  it.each([
    [undefined, 'missing'],
    ['', 'missing'],
    ['*', 'any'],
    ['"abc"', 'same'],
    ['"x", "abc"', 'same'],
    ['W/"abc"', 'other'],
    ['"abcd"', 'other'],
    ['abc', 'other'],
    ['"x,"abc', 'other'],
  ] as const)('%s is %s for "abc"', (header, match) => {
    expect(matchEntityTag(header, '"abc"')).toBe(match);
  });
});

describe('a request budget', () => {
  it('allows a burst, then a rate, per client', () => {
    const budget = new RequestBudget({ burst: 3, perSecond: 2 });
    expect([0, 0, 0, 0].map(() => budget.take('a', 0))).toEqual([0, 0, 0, 1]);
    expect(budget.take('b', 0)).toBe(0);
    expect([500, 500, 1_000].map((nowMs) => budget.take('a', nowMs))).toEqual([0, 1, 0]);
    expect([0, 0, 0, 0].map(() => budget.take('a', 60_000))).toEqual([0, 0, 0, 1]);
  });

  it('tells how many seconds to wait', () => {
    const budget = new RequestBudget({ burst: 1, perSecond: 0.1 });
    expect([0, 0].map(() => budget.take('a', 0))).toEqual([0, 10]);
  });

  it('forgets the client that was seen longest ago when there are too many', () => {
    const budget = new RequestBudget({ burst: 1, perSecond: 0.001 });
    for (let client = 0; client < 10_001; client += 1) budget.take(String(client), 0);
    expect(budget.take('10000', 0)).toBeGreaterThan(0);
    expect(budget.take('0', 0)).toBe(0);
  });

  it('counts an IPv6 network of one host as one client', () => {
    expect(clientOf('192.0.2.7')).toBe('192.0.2.7');
    expect(clientOf('::ffff:192.0.2.7')).toBe('192.0.2.7');
    expect(clientOf('2001:db8:1:2:3:4:5:6')).toBe(clientOf('2001:0db8:1:2::9'));
    expect(clientOf('2001:db8:1:3::1')).not.toBe(clientOf('2001:db8:1:2::1'));
    expect(clientOf('fe80::1%eth0')).toBe('fe80:0:0:0::/64');
    expect(clientOf('::1')).toBe('0:0:0:0::/64');
  });
});
