// Which coding a client gets.

import { describe, expect, it } from 'vitest';
import { chooseCoding } from '../../../ingest/origin/content-coding.ts';

describe('chooseCoding', () => {
  it.each([
    [undefined, null],
    ['', null],
    ['identity', null],
    ['gzip', 'gzip'],
    ['gzip, deflate, br', 'br'],
    ['br;q=0.5, gzip;q=0.8', 'gzip'],
    ['BR', 'br'],
    ['*', 'br'],
    ['br;q=0, *;q=0.1', 'gzip'],
    ['gzip;q=0', null],
    ['gzip;q=nonsense', null],
  ])('answers Accept-Encoding %j with %j', (header, coding) => {
    expect(chooseCoding(header)).toBe(coding);
  });
});
