// Failover and fresh credentials, against real HTTP servers that refuse and break.

import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { CdnFetch, type RefreshCdnAccess } from '../../../player/delivery/cdn/cdn-fetch.ts';

const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

function fetchOver(bases: readonly string[], refreshAccess: RefreshCdnAccess | null = null) {
  return new CdnFetch({
    fetch: (input, init) => globalThis.fetch(input, init),
    bases: bases.map((url) => ({ url })),
    refreshAccess,
    nowMs: () => performance.now(),
    random: () => 0,
  });
}

describe('fetching from several CDNs', () => {
  it.for([503, 404, 'broken'] as const)('goes on to the next base after %s', async (fault) => {
    let asked = 0;
    const bad = await serve((request, response) => {
      asked += 1;
      if (fault === 'broken') request.socket.destroy();
      else response.writeHead(fault).end();
    });
    const good = await serve((request, response) => response.end(`good ${request.url}`));
    const { fetch } = fetchOver([bad, good]);
    expect(await (await fetch(`${bad}live/1.m4s`)).text()).toBe('good /live/1.m4s');
    expect(asked).toBe(1);
    // A missing file does not make a CDN unwell; an error does.
    await fetch(`${bad}live/2.m4s`);
    expect(asked).toBe(fault === 404 ? 2 : 1);
  });

  it('gives the last answer when all bases fail', async () => {
    const one = await serve((_request, response) => response.writeHead(503).end());
    const two = await serve((_request, response) => response.writeHead(500).end());
    expect((await fetchOver([one, two]).fetch(`${one}x`)).status).toBe(500);
    const dead = fetchOver(['http://127.0.0.1:9/']);
    await expect(dead.fetch('http://127.0.0.1:9/x')).rejects.toThrow();
  });

  it('does not go on for a caller who has left', async () => {
    const controller = new AbortController();
    let asked = 0;
    const slow = await serve(() => controller.abort());
    const other = await serve((_request, response) => {
      asked += 1;
      response.end();
    });
    const { fetch } = fetchOver([slow, other]);
    await expect(fetch(`${slow}x`, { signal: controller.signal })).rejects.toThrow();
    expect(asked).toBe(0);
  });
});

describe('credentials that have expired', () => {
  it('are asked for once for many refused requests, and used by all that follow', async () => {
    const seen: (string | undefined)[] = [];
    const base = await serve((request, response) => {
      const url = new URL(request.url ?? '', 'http://cdn');
      if (url.searchParams.get('token') !== 'new') response.writeHead(403).end();
      else {
        seen.push(request.headers['x-viewer']?.toString());
        response.end('media');
      }
    });
    let asked = 0;
    const { fetch } = fetchOver([base], async ({ status, url }) => {
      asked += 1;
      expect(status).toBe(403);
      expect(url).toContain('token=old');
      return { query: { token: 'new' }, headers: { 'x-viewer': 'somebody' } };
    });
    const urls = [1, 2, 3, 4].map((number) => `${base}${number}.m4s?token=old`);
    const answers = await Promise.all(urls.map((url) => fetch(url)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect((await fetch(`${base}5.m4s?token=old`)).status).toBe(200);
    expect(asked).toBe(1);
    expect(seen).toEqual(Array.from({ length: 5 }, () => 'somebody'));
  });

  it('leave the refusal when the page has none, and the page is not asked again at once', async () => {
    const base = await serve((_request, response) => response.writeHead(401).end());
    let asked = 0;
    const { fetch } = fetchOver([base], async () => {
      asked += 1;
      throw new Error('no session');
    });
    expect((await fetch(`${base}1`)).status).toBe(401);
    expect((await fetch(`${base}2`)).status).toBe(401);
    expect(asked).toBe(1);
  });

  it('may send a single request elsewhere', async () => {
    const old = await serve((_request, response) => response.writeHead(403).end());
    const signed = await serve((_request, response) => response.end('signed'));
    const { fetch } = fetchOver([old], async () => ({ url: `${signed}a?sig=1` }));
    expect(await (await fetch(`${old}a`)).text()).toBe('signed');
  });
});
