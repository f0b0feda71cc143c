// Two ingests with one bucket and one registry: publishers are sent to who has room or has their
// stream, viewers may ask either, and when one is killed the other goes on with its streams.

import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChildServer } from '../../infra/local/child-server.ts';
import { freePort } from '../../infra/local/free-port.ts';
import { startService } from '../../infra/local/service-process.ts';
import { RedisServer } from '../../infra/production-like/redis-server.ts';
import { SwiftServer, swiftAccess } from '../../infra/production-like/swift-server.ts';
import { KillablePublisher } from '../support/killable-publisher.ts';
import { pollUntil } from '../support/poll-until.ts';

const streams = ['one', 'two', 'three', 'four'];
const keyOf = (stream: string): string => `key-of-${stream}`;

interface Node {
  readonly url: string;
  readonly process: ChildServer;
}

describe('two ingests', () => {
  let swift: SwiftServer;
  let redis: RedisServer;
  let directory: string;
  let nodes: readonly [Node, Node];
  const publishers: KillablePublisher[] = [];

  async function startNode(name: string, extra: Record<string, string> = {}): Promise<Node> {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const process = await startService({
      entry: 'ingest/main.ts',
      port,
      environment: {
        SHOAL_INGEST_PORT: String(port),
        SHOAL_DATA_DIR: path.join(directory, name),
        SHOAL_STREAM_KEYS: streams.map((stream) => `${stream}:${keyOf(stream)}`).join(','),
        SHOAL_LADDER: 'small:320x180:200000:64000',
        SHOAL_ORIGIN_STORE: 's3://streams/live',
        SHOAL_S3_ENDPOINT: swift.url,
        SHOAL_S3_ACCESS_KEY: swiftAccess.accessKey,
        SHOAL_S3_SECRET_KEY: swiftAccess.secretKey,
        SHOAL_REGISTRY_URL: redis.url,
        SHOAL_NODE_URL: url,
        SHOAL_LOG_LEVEL: 'info',
        ...extra,
      },
    });
    return { url, process };
  }

  async function publish(node: Node, stream: string): Promise<KillablePublisher> {
    const whipUrl = `${node.url}/whip/${stream}`;
    const publisher = await KillablePublisher.start({ whipUrl, key: keyOf(stream), codec: 'h264' });
    if (publisher === null) throw new Error(`${whipUrl} refused the publisher`);
    publishers.push(publisher);
    return publisher;
  }

  const playlistOf = (node: Node, stream: string, query = ''): Promise<Response> =>
    fetch(`${node.url}/live/${stream}/small/index.m3u8${query}`);

  async function segmentsOf(node: Node, stream: string): Promise<readonly string[]> {
    const response = await playlistOf(node, stream);
    const text = await response.text();
    return response.ok ? text.split('\n').filter((line) => line.endsWith('.m4s')) : [];
  }

  async function untilSegments(node: Node, stream: string, count: number): Promise<string[]> {
    return pollUntil(
      async () => {
        const segments = await segmentsOf(node, stream);
        return segments.length >= count ? [...segments] : null;
      },
      { timeoutMs: 40_000, description: `${stream} has ${count} segments at ${node.url}` },
    );
  }

  async function untilGoesOn(node: Node, stream: string): Promise<void> {
    const before = await segmentsOf(node, stream);
    await pollUntil(
      async () => {
        const now = await segmentsOf(node, stream);
        return now.length > 0 && now.at(-1) !== before.at(-1);
      },
      { timeoutMs: 20_000, description: `the playlist of ${stream} goes on` },
    );
  }

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'shoal-two-'));
    [swift, redis] = await Promise.all([SwiftServer.start(), RedisServer.start()]);
    await swift.makeBucket('streams');
    nodes = await Promise.all([startNode('a'), startNode('b')]);
  });

  afterAll(async () => {
    for (const publisher of publishers) await publisher.kill();
    for (const node of nodes ?? []) await node.process.kill();
    await redis?.kill();
    await swift?.stop();
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  });

  it('serve a stream that one of them has through both, held reloads and segments too', async () => {
    const [first, second] = nodes;
    await publish(first, 'one');
    await untilSegments(first, 'one', 2);
    const before = await untilSegments(second, 'one', 2);
    const number = Number(/(\d+)\.m4s$/.exec(before.at(-1) ?? '')?.[1]);
    const held = await playlistOf(second, 'one', `?_HLS_msn=${number + 1}`);
    expect(held.status).toBe(200);
    expect(await held.text()).toContain(`/${number + 1}.m4s`);
    const base = `/live/one/small/${before.at(-1)}`;
    const [direct, passedOn] = await Promise.all(
      nodes.map((node) => fetch(`${node.url}${base}`, { headers: { range: 'bytes=0-99' } })),
    );
    expect(passedOn?.status).toBe(206);
    for (const name of ['etag', 'content-range', 'shoal-pieces', 'cache-control']) {
      expect(passedOn?.headers.get(name), name).toBe(direct?.headers.get(name));
    }
    expect(passedOn?.headers.get('access-control-allow-origin')).toBe('*');
    expect(await passedOn?.arrayBuffer()).toEqual(await direct?.arrayBuffer());
  });

  it('list the streams of both at each of them', async () => {
    for (const { url } of nodes) {
      const list = await (await fetch(`${url}/api/v1/streams`)).json();
      expect(list.streams).toMatchObject([{ id: 'one', state: 'live' }]);
    }
  });

  it('pass a second publisher on to the node that has the stream, which refuses it', async () => {
    const { url } = nodes[1];
    const response = await fetch(`${url}/whip/one`, {
      method: 'POST',
      headers: { authorization: `Bearer ${keyOf('one')}`, 'content-type': 'application/sdp' },
      body: 'v=0\r\n',
    });
    // Read and judged by the other node: it is no offer.
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ type: 'urn:shoal:ingest:offer-invalid' });
  });

  it('send a publisher that finds no room to the node that has room, with 307', async () => {
    const publicUrl = 'https://ingest-c.example';
    const [full, roomy] = await Promise.all([
      startNode('full', { SHOAL_MAX_SESSIONS: '1' }),
      startNode('roomy', { SHOAL_MAX_SESSIONS: '1000', SHOAL_NODE_PUBLIC_URL: publicUrl }),
    ]);
    try {
      await publish(full, 'two');
      const response = await fetch(`${full.url}/whip/three`, {
        method: 'POST',
        redirect: 'manual',
        headers: { authorization: `Bearer ${keyOf('three')}`, 'content-type': 'application/sdp' },
        body: 'v=0\r\n',
      });
      expect(response.status).toBe(307);
      expect(response.headers.get('location')).toBe(`${publicUrl}/whip/three`);
    } finally {
      for (const { process } of [full, roomy]) await process.kill();
    }
  });

  it('keep their streams and viewers when the registry is gone', async () => {
    const [first, second] = nodes;
    await redis.kill();
    await untilGoesOn(second, 'one');
    const refused = await fetch(`${second.url}/whip/two`, {
      method: 'POST',
      headers: { authorization: `Bearer ${keyOf('two')}`, 'content-type': 'application/sdp' },
      body: 'v=0\r\n',
    });
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ type: 'urn:shoal:ingest:registry-unavailable' });
    await redis.resume();
    // An empty registry learns of the lease again.
    await pollUntil(
      async () => {
        const response = await fetch(`${second.url}/whip/one`, {
          method: 'POST',
          headers: { authorization: `Bearer ${keyOf('one')}`, 'content-type': 'application/sdp' },
          body: 'v=0\r\n',
        });
        const { type } = await response.json();
        return type === 'urn:shoal:ingest:offer-invalid';
      },
      { timeoutMs: 40_000, description: 'the lease is back', intervalMs: 500 },
    );
    const list = await (await fetch(`${first.url}/api/v1/streams/one`)).json();
    expect(list.state).toBe('live');
  });

  it('keep them too when the registry is back, empty, before anybody missed it', async () => {
    const [, second] = nodes;
    await redis.kill();
    await redis.resume();
    await pollUntil(
      async () => {
        const response = await fetch(`${second.url}/whip/one`, {
          method: 'POST',
          headers: { authorization: `Bearer ${keyOf('one')}`, 'content-type': 'application/sdp' },
          body: 'v=0\r\n',
        });
        return response.status === 400;
      },
      { timeoutMs: 40_000, description: 'somebody has the stream', intervalMs: 50 },
    );
    await untilGoesOn(second, 'one');
  });

  it('take over the stream of a node that is killed, and list what it has left', async () => {
    const [first, second] = nodes;
    await publish(first, 'four');
    await untilSegments(second, 'four', 2);
    // What is listed while the bucket is away exists on the first node alone.
    const stored = (await segmentsOf(second, 'one')).length;
    await swift.kill();
    await pollUntil(async () => (await segmentsOf(second, 'one')).length >= stored + 2, {
      timeoutMs: 40_000,
      description: 'the stream goes on without the bucket',
    });
    const before = await segmentsOf(second, 'one');
    await first.process.kill();
    await swift.resume();
    // Until the publisher is back, viewers are told to wait, not that the stream is gone.
    const response = await pollUntil(
      async () => {
        const answer = await playlistOf(second, 'one');
        return answer.status === 200 ? null : answer;
      },
      { timeoutMs: 20_000, description: 'the other node notices', intervalMs: 100 },
    );
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('1');
    await publishers[0]?.kill();
    await publish(second, 'one');
    const own = (lines: readonly string[]) =>
      lines.filter((line) => line.split('/')[0] !== before[0]?.split('/')[0]);
    const after = await pollUntil(
      async () => {
        const now = await segmentsOf(second, 'one');
        return own(now).length > 1 ? now : null;
      },
      { timeoutMs: 40_000, description: 'the new node lists segments of its own' },
    );
    expect(after.slice(0, before.length)).toEqual(before);
    const numbers = after.map((line) => Number(/(\d+)\.m4s$/.exec(line)?.[1]));
    expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
    // What it can give is whole; what it cannot is a gap, and so nobody asks for it.
    const text = await (await playlistOf(second, 'one')).text();
    const gaps = [...text.matchAll(/^#EXT-X-GAP\n#EXTINF:.*\n(\S+)$/gm)].map(([, uri]) => uri);
    expect(gaps.length).toBeGreaterThan(0);
    for (const line of before) {
      const answer = await fetch(`${second.url}/live/one/small/${line}`);
      const bytes = Buffer.from(await answer.arrayBuffer());
      expect([line, answer.ok]).toEqual([line, !gaps.includes(line)]);
      const digest = createHash('sha256').update(bytes).digest('hex');
      if (answer.ok) expect(text).toContain(`SHA256=${digest}`);
    }
    // What the dead node had uploaded is a recording now, and plays from the one that is left.
    const list = await (await fetch(`${second.url}/api/v1/streams`)).json();
    const recording = list.recordings.find((item: { stream: string }) => item.stream === 'one');
    const vod = await fetch(`${second.url}/vod/one/${recording?.id}/small/index.m3u8`);
    expect(await vod.text()).toContain('#EXT-X-ENDLIST');
  });

  it('finish the recording of a stream whose publisher does not come back', async () => {
    const [, second] = nodes;
    // Viewers are told to wait for a minute: over at once.
    const client = new Redis(redis.url);
    await pollUntil(async () => (await client.exists('shoal:{four}:lease')) === 0, {
      timeoutMs: 20_000,
      description: 'the lease of the dead node ends',
    });
    await client.del('shoal:{four}:recent');
    client.disconnect();
    const recording = await pollUntil(
      async () => {
        const list = await (await fetch(`${second.url}/api/v1/streams`)).json();
        return list.recordings.find((item: { stream: string }) => item.stream === 'four');
      },
      { timeoutMs: 60_000, description: 'the recording is finished', intervalMs: 250 },
    );
    const vod = await fetch(`${second.url}/vod/four/${recording.id}/small/index.m3u8`);
    expect(await vod.text()).toContain('#EXT-X-ENDLIST');
    const hasEnded = async () =>
      (await (await playlistOf(second, 'four')).text()).includes('#EXT-X-ENDLIST');
    await pollUntil(hasEnded, {
      timeoutMs: 20_000,
      description: 'its viewers are told that it has ended',
      intervalMs: 250,
    });
  });
});
