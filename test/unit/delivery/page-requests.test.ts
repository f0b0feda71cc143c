// Requests for media as the page's hls.js would make them, against a real server; `xhrSetup`, which needs a
// browser, is part of test/e2e/player-plugin.test.ts.

import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  makePageFetch,
  type PageRequestSetup,
} from '../../../player/delivery/hls/page-requests.ts';

let server: Server;
let url: string;
let requests: IncomingMessage[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    requests.push(request);
    response.end('media');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/1.m4s`;
});

beforeEach(() => {
  requests = [];
});

afterAll(() => {
  server.close();
});

const init: RequestInit = { headers: { range: 'bytes=0-4' } };

describe('requests for media', () => {
  it('are plain where the page has no wishes', async () => {
    const response = await makePageFetch(() => ({}))(url, init);
    expect(await response.text()).toBe('media');
    expect(requests[0]?.headers.range).toBe('bytes=0-4');
  });

  it('carry what `fetchSetup` adds, on top of what delivery asks for', async () => {
    const seen: unknown[] = [];
    const pageFetch = makePageFetch(() => ({
      fetchSetup: (context, parameters) => {
        seen.push(context);
        // In place, as the examples of hls.js do it.
        parameters.headers.set('authorization', 'Bearer site');
        return new Request(`${context.url}?token=1`, parameters);
      },
    }));
    await (await pageFetch(url, init)).text();
    expect(seen).toEqual([{ url, responseType: 'arraybuffer', type: 'media-fragment' }]);
    expect(requests[0]?.url).toBe('/1.m4s?token=1');
    expect(requests[0]?.headers).toMatchObject({
      range: 'bytes=0-4',
      authorization: 'Bearer site',
    });
  });

  it('follow a configuration that changes, and fail with what its function throws', async () => {
    const config: { -readonly [Key in keyof PageRequestSetup]: PageRequestSetup[Key] } = {};
    const pageFetch = makePageFetch(() => config);
    await (await pageFetch(url)).text();
    config.fetchSetup = () => Promise.reject(new Error('the token is gone'));
    await expect(pageFetch(url)).rejects.toThrow('the token is gone');
    expect(requests).toHaveLength(1);
  });
});
