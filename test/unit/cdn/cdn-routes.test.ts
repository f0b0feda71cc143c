// Which CDN a request goes to: weights, failover, recovery.

import { describe, expect, it } from 'vitest';
import { CdnRoutes } from '../../../player/delivery/cdn/cdn-routes.ts';

const a = 'https://a.example/media';
const b = 'https://b.example/';
const file = 'https://a.example/media/live/demo/720p/1.m4s';

describe('routes over several CDNs', () => {
  it('follow the weights over many viewers, and stay for one', () => {
    let onB = 0;
    for (let viewer = 0; viewer < 1_000; viewer += 1) {
      const routes = new CdnRoutes(
        [
          { url: a, weight: 3 },
          { url: b, weight: 1 },
        ],
        () => viewer / 1_000,
      );
      const { url } = routes.route(file, 0);
      if (url.startsWith(b)) onB += 1;
      expect(routes.route(file, 60_000).url).toBe(url);
    }
    expect(onB).toBe(250);
  });

  it('map a path from one base to the other and leave other URLs alone', () => {
    const routes = new CdnRoutes([{ url: a, weight: 0 }, { url: b }], () => 0);
    expect(routes.route(file, 0)).toEqual({ url: `${b}live/demo/720p/1.m4s`, base: 1 });
    expect(routes.route('https://c.example/x.m4s', 0)).toEqual({
      url: 'https://c.example/x.m4s',
      base: null,
    });
  });

  it('avoid a base that fails, longer each time, and return to it', () => {
    const routes = new CdnRoutes([{ url: a }, { url: b, weight: 0 }], () => 0);
    expect(routes.route(file, 0).base).toBe(0);
    routes.failed(0, 0);
    expect(routes.route(file, 3_000).base).toBe(1);
    expect(routes.route(file, 4_000).base).toBe(0);
    routes.failed(0, 4_000);
    expect(routes.route(file, 10_000).base).toBe(1);
    expect(routes.route(file, 12_000).base).toBe(0);
    routes.worked(0);
    routes.failed(0, 20_000);
    expect(routes.route(file, 24_000).base).toBe(0);
  });

  it('try what was not tried for this request, even if all have failed', () => {
    const routes = new CdnRoutes([{ url: a }, { url: b }], () => 0);
    routes.failed(0, 0);
    routes.failed(1, 10);
    expect(routes.route(file, 20).base).toBe(0);
    expect(routes.route(file, 20, new Set([0])).base).toBe(1);
  });
});
