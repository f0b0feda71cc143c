// Lines of CDN logs, as the documentation of each CDN shows them.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cdnLogFormats, createLineParser } from '../../../tracker/telemetry/pure/cdn-logs.ts';

const atMs = Date.parse('2026-11-22T10:15:30Z');
const segment = '/live/demo/720p/0-12.m4s';

describe('CDN log lines', () => {
  it('of nginx in the combined format give time, stream and bytes', () => {
    const parse = createLineParser('nginx');
    const line = (path: string, time = '22/Nov/2026:12:15:30 +0200'): string =>
      `192.0.2.7 - - [${time}] "GET ${path} HTTP/1.1" 200 482113 "-" "Mozilla/5.0"`;
    expect(parse(line(segment))).toEqual({ atMs, stream: 'demo', bytes: 482_113 });
    expect(parse(line(`${segment}?token=x`))).toMatchObject({ stream: 'demo' });
    expect(parse(line('/live/demo/720p/index.m3u8'))).toBe('other');
    expect(parse(line('/live/../demo.mp4'))).toBe('other');
  });

  it.each([
    ['RFC 3339', '"2026-11-22T10:15:30Z"'],
    ['seconds', String(atMs / 1_000)],
    ['nanoseconds', `${atMs}000000`],
  ])('of Cloudflare are JSON, with times as %s', (_name, time) => {
    const parse = createLineParser('cloudflare');
    const line = `{"ClientRequestURI":"${segment}","EdgeResponseBytes":7,"EdgeStartTimestamp":${time}}`;
    expect(parse(line)).toEqual({ atMs, stream: 'demo', bytes: 7 });
  });

  it('of CloudFront have the columns that their head names, or the documented ones', () => {
    const cells = ['2026-11-22', '10:15:30', 'FRA56', '99', '192.0.2.7', 'GET', 'x.net', segment];
    const parse = createLineParser('cloudfront');
    expect(parse('#Version: 1.0')).toBe('comment');
    expect(parse(cells.join('\t'))).toEqual({ atMs, stream: 'demo', bytes: 99 });
    expect(parse('#Fields: cs-uri-stem sc-bytes date time')).toBe('comment');
    expect(parse([segment, '98', '2026-11-22', '10:15:30'].join('\t'))).toMatchObject({
      bytes: 98,
    });
  });

  it.each(cdnLogFormats)('that are no %s logs are unreadable and never an error', (format) => {
    const parse = createLineParser(format);
    expect(parse('hello')).toBe('unreadable');
    expect(parse('')).toBe('comment');
    fc.assert(
      fc.property(fc.string(), (line) => {
        expect(parse(line)).toBeDefined();
      }),
    );
  });
});
