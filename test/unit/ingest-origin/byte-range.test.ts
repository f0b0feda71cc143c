// Which part of an object a Range header asks for (RFC 9110 §14.1.2, §14.2).

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRange } from '../../../ingest/origin/byte-range.ts';

const part = (firstByte: number, lastByte: number) => ({
  kind: 'part',
  range: { firstByte, lastByte },
});

describe('parseRange', () => {
  it.each([
    ['bytes=0-0', part(0, 0)],
    ['bytes=2-5', part(2, 5)],
    ['bytes=2-', part(2, 9)],
    ['bytes=-3', part(7, 9)],
    ['bytes=-99', part(0, 9)],
    ['bytes=5-99', part(5, 9)],
    ['bytes= 5 - 6', part(5, 6)],
    ['bytes=10-', { kind: 'unsatisfiable' }],
    ['bytes=-0', { kind: 'unsatisfiable' }],
    ['bytes=6-5', { kind: 'whole' }],
    ['bytes=-', { kind: 'whole' }],
    ['bytes=0-1,3-4', { kind: 'whole' }],
    ['lines=0-1', { kind: 'whole' }],
    [undefined, { kind: 'whole' }],
  ])('reads %j of ten bytes', (header, expected) => {
    expect(parseRange(header, 10)).toEqual(expected);
  });

  it('never leaves the object, whatever the header says', () => {
    const header = fc.oneof(
      fc.string(),
      fc.tuple(fc.nat(200), fc.nat(200)).map(([from, to]) => `bytes=${from}-${to}`),
    );
    fc.assert(
      fc.property(header, fc.nat(100), (text, sizeBytes) => {
        const request = parseRange(text, sizeBytes);
        if (request.kind !== 'part') return;
        expect(request.range.firstByte).toBeGreaterThanOrEqual(0);
        expect(request.range.lastByte).toBeGreaterThanOrEqual(request.range.firstByte);
        expect(request.range.lastByte).toBeLessThan(sizeBytes);
      }),
    );
  });
});
