// A segment whose connection breaks half way, on a real HTTP server.

import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { CdnError, CdnFetcher } from '../../../player/delivery/cdn-fetcher.ts';

const media = randomBytes(400_000);
let server: Server | null = null;

afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => server?.close(resolve));
});

interface Breaking {
  /** How many answers break half way. */
  readonly breaks: number;
  readonly answersRanges?: boolean;
  readonly changesEtag?: boolean;
}

/** A server that breaks, and the ranges that it was asked for. */
async function serve({ breaks, answersRanges = true, changesEtag = false }: Breaking) {
  const ranges: (string | undefined)[] = [];
  server = createServer((request, response) => {
    const { range } = request.headers;
    ranges.push(range);
    const isRange = answersRanges && range !== undefined;
    const from = isRange ? Number(/^bytes=(\d+)-$/.exec(range)?.[1]) : 0;
    const bytes = media.subarray(from);
    response.writeHead(isRange ? 206 : 200, {
      'content-length': bytes.length,
      etag: changesEtag ? `"${ranges.length}"` : '"same"',
      ...(isRange ? { 'content-range': `bytes ${from}-${media.length - 1}/${media.length}` } : {}),
    });
    if (ranges.length > breaks) response.end(bytes);
    else response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy());
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return { ranges, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/1.m4s` };
}

const fetcher = () =>
  new CdnFetcher({
    fetch: (input, init) => globalThis.fetch(input, init),
    nowMs: () => performance.now(),
  });
const never = new AbortController().signal;

describe('a segment whose connection breaks', () => {
  it('is gone on with by a range', async () => {
    const { url, ranges } = await serve({ breaks: 1 });
    const { bytes } = await fetcher().fetch(url, never);
    expect(Buffer.from(bytes).equals(media)).toBe(true);
    expect(ranges[0]).toBeUndefined();
    expect(ranges[1]).toMatch(/^bytes=[1-9]\d+-$/);
  });

  it('is begun anew where ranges are not answered or the file has changed', async () => {
    const plain = await serve({ breaks: 1, answersRanges: false });
    expect(Buffer.from((await fetcher().fetch(plain.url, never)).bytes).equals(media)).toBe(true);
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve));
    const changing = await serve({ breaks: 1, changesEtag: true });
    // The second half of another version is not put behind the first half of this one.
    const { bytes } = await fetcher().fetch(changing.url, never);
    expect(Buffer.from(bytes).equals(media)).toBe(true);
    expect(changing.ranges.map((range) => range !== undefined)).toEqual([false, true, false]);
  });

  it('is given up after a few breaks, with what was lost', async () => {
    const { url, ranges } = await serve({ breaks: 10 });
    const failure = await fetcher()
      .fetch(url, never)
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CdnError);
    expect((failure as CdnError).receivedBytes).toBeGreaterThan(media.length / 2);
    expect(ranges.length).toBe(3);
  });
});
