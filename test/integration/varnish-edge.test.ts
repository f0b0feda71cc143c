// The Varnish variant of the edge with the real varnishd: the same promises as nginx's, over the
// same origin routes.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VarnishEdge } from '../../infra/edge/varnish-edge.ts';
import { CountedOrigin } from '../support/counted-origin.ts';
import { HttpClient, manyClients } from '../support/many-clients.ts';
import { pollUntil } from '../support/poll-until.ts';

const playlist = '/live/demo/tiny/index.m3u8';

describe('the Varnish edge', () => {
  let origin: CountedOrigin;
  let edge: VarnishEdge;
  let client: HttpClient;

  beforeAll(async () => {
    origin = await CountedOrigin.start(3, 40_000);
    edge = await VarnishEdge.start(origin.address);
    client = new HttpClient(edge.url);
  });

  afterAll(async () => {
    client?.close();
    await edge?.close();
    await origin?.shut();
  });

  it('makes 300 clients that wait and fetch cost the origin one request per object', async () => {
    const clients = manyClients(edge.url, 300);
    for (let round = 0; round < 2; round += 1) {
      const next = origin.lastNumber + 1;
      const url = `${playlist}?_HLS_msn=${next}`;
      const waiting = Promise.all(
        clients.map((each, index) => each.get(`${playlist}?x=${index}&_HLS_msn=${next}`)),
      );
      await pollUntil(() => (origin.requests.get(url) ?? 0) > 0, {
        timeoutMs: 20_000,
        description: 'the origin holds the reload',
      });
      await origin.listNext();
      for (const { status, body } of await waiting) {
        expect(status).toBe(200);
        expect(body.toString()).toContain(`${next}.m4s`);
      }
      const path = origin.segmentPath(next);
      for (const answer of await Promise.all(clients.map((each) => each.get(path)))) {
        expect(answer.status).toBe(200);
        expect(answer.headers['shoal-pieces']).toBeDefined();
      }
      expect(origin.requests.get(url)).toBe(1);
      expect(origin.requests.get(path)).toBe(1);
    }
    for (const each of clients) each.close();
  });

  it('serves ranges from what it has', async () => {
    const path = origin.segmentPath(origin.lastNumber);
    const whole = await client.get(path);
    origin.requests.clear();
    const part = await client.get(path, { range: 'bytes=1000-1999' });
    expect(part.status).toBe(206);
    expect(part.body).toEqual(whole.body.subarray(1000, 2000));
    expect(origin.requests.get(path)).toBeUndefined();
  });

  it('goes on with what it has while the origin is gone', async () => {
    const known = origin.segmentPath(origin.lastNumber);
    await client.get(known);
    await client.get(playlist);
    await origin.shut();
    const untilMs = performance.now() + 3_000;
    while (performance.now() < untilMs) {
      const answers = await Promise.all([client.get(playlist), client.get(known)]);
      for (const { status } of answers) expect(status).toBe(200);
    }
    await origin.listen();
    await origin.listNext();
    await pollUntil(
      async () => {
        const { status, body } = await client.get(playlist);
        return status === 200 && body.toString().includes(`${origin.lastNumber}.m4s`);
      },
      { timeoutMs: 10_000, description: 'the new segment is listed' },
    );
  });
});
