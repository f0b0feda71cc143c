// The edge with the real nginx in front of the real origin routes: what hundreds of clients cost the
// origin, what they notice when it is gone, and what headers and logs say.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:http2';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HeadlessViewer } from '../../infra/demo/headless-viewer.ts';
import { NginxEdge } from '../../infra/edge/nginx-edge.ts';
import { freePort } from '../../infra/local/free-port.ts';
import { createLineParser } from '../../tracker/telemetry/pure/cdn-logs.ts';
import { CountedOrigin } from '../support/counted-origin.ts';
import { type ClientAnswer, HttpClient, manyClients } from '../support/many-clients.ts';
import { pollUntil } from '../support/poll-until.ts';

const run = promisify(execFile);
const clientCount = 500;
const segmentBytes = 40_000;
const playlist = '/live/demo/tiny/index.m3u8';

/** Less than the viewers are behind the live edge: what nobody has cannot be played. */
const outageMs = 10_000;

describe('viewers behind the nginx edge', () => {
  it('do not notice that the origin is gone for 10 s', async () => {
    const segmentSeconds = 5;
    const origin = await CountedOrigin.start(4, 60_000, segmentSeconds);
    const edge = await NginxEdge.start({ ingests: [origin.address], trackers: ['127.0.0.1:9'] });
    const broadcast = setInterval(() => void origin.listNext(), segmentSeconds * 1_000);
    const viewers = [1, 2, 3].map(() =>
      HeadlessViewer.start({
        playlistUrl: `${edge.url}/live/demo/index.m3u8`,
        trackerUrl: null,
      }),
    );
    try {
      const all = (seconds: number) => () =>
        viewers.every(({ stats }) => stats.playedSeconds >= seconds);
      await pollUntil(all(2), { timeoutMs: 20_000, description: 'all viewers play' });
      // Just after a segment has come: the viewers' buffers are full, 15 s behind the live edge.
      const next = origin.segmentPath(origin.lastNumber + 1);
      await pollUntil(() => (origin.requests.get(next) ?? 0) > 0, {
        timeoutMs: 20_000,
        description: 'the next segment is fetched',
      });
      await pollUntil(async () => (await fetch(`${edge.url}${next}`)).ok, {
        timeoutMs: 5_000,
        description: 'the edge has it',
      });
      await origin.shut();
      await new Promise((resolve) => setTimeout(resolve, outageMs));
      await origin.listen();
      const playedSeconds = Math.max(...viewers.map(({ stats }) => stats.playedSeconds));
      // Beyond everything that was buffered before the outage.
      await pollUntil(all(playedSeconds + 3 * segmentSeconds), {
        timeoutMs: 60_000,
        description: 'all viewers play what came after',
      });
      expect(viewers.map(({ stats }) => stats.stallCount)).toEqual([0, 0, 0]);
    } finally {
      clearInterval(broadcast);
      for (const viewer of viewers) await viewer.close();
      await edge.close();
      await origin.shut();
    }
  });
});

describe('the nginx edge', () => {
  let origin: CountedOrigin;
  let edge: NginxEdge;
  let client: HttpClient;

  beforeAll(async () => {
    origin = await CountedOrigin.start(3, segmentBytes);
    edge = await NginxEdge.start({ ingests: [origin.address], trackers: ['127.0.0.1:9'] });
    client = new HttpClient(edge.url);
  });

  afterAll(async () => {
    client?.close();
    await edge?.close();
    await origin?.shut();
  });

  it('has a configuration that nginx itself accepts without a warning', async () => {
    const { stderr } = await run('nginx', ['-t', '-c', edge.configurationFile]);
    expect(stderr).not.toContain('[warn]');
    expect(stderr).toContain('test is successful');
  });

  it('makes 500 clients that wait and fetch cost the origin one request per object', async () => {
    const clients = manyClients(edge.url, clientCount);
    origin.requests.clear();
    const digests = new Set<string>();
    for (let round = 0; round < 3; round += 1) {
      const startedAtMs = performance.now();
      const next = origin.lastNumber + 1;
      const url = `${playlist}?_HLS_msn=${next}`;
      const waiting = Promise.all(clients.map((each) => each.get(url)));
      await pollUntil(() => (origin.requests.get(url) ?? 0) > 0, {
        timeoutMs: 20_000,
        description: 'the origin holds the reload',
      });
      const bytes = await origin.listNext();
      const expected = createHash('sha256').update(bytes).digest('hex');
      for (const answer of await waiting) {
        expect(answer.status).toBe(200);
        expect(answer.body.toString()).toContain(expected);
      }
      const segments = await Promise.all(clients.map((each) => each.get(origin.segmentPath(next))));
      for (const answer of segments) {
        expect(answer.status).toBe(200);
        digests.add(createHash('sha256').update(answer.body).digest('hex'));
        expect(answer.headers['shoal-pieces']).toMatch(/^[A-Za-z0-9+/]+=*$/);
      }
      // One more for each three seconds that a slow machine takes: nginx then no longer trusts that
      // the first one will be answered.
      const seconds = (performance.now() - startedAtMs) / 1_000;
      expect(origin.requests.get(url)).toBeLessThanOrEqual(1 + Math.floor(seconds / 3));
      expect(origin.requests.get(origin.segmentPath(next))).toBeLessThanOrEqual(
        1 + Math.floor(seconds / 3),
      );
    }
    expect(digests.size).toBe(3);
    for (const each of clients) each.close();
  });

  it('loses its workers while reloads are held, and the next requests are answered', async () => {
    const clients = manyClients(edge.url, 20);
    const next = origin.lastNumber + 1;
    const url = `${playlist}?_HLS_msn=${next}`;
    const broken = Promise.allSettled(clients.map((each) => each.get(url)));
    await pollUntil(() => (origin.requests.get(url) ?? 0) > 0, {
      timeoutMs: 10_000,
      description: 'the origin holds the reload',
    });
    await edge.killWorkers();
    for (const { status } of await broken) expect(status).toBe('rejected');
    // The dead workers' locks are still in the shared memory.
    const again = Promise.all(clients.map((each) => each.get(url)));
    await pollUntil(() => (origin.requests.get(url) ?? 0) > 1, {
      timeoutMs: 10_000,
      description: 'the origin is asked again',
    });
    await origin.listNext();
    for (const { status, body } of await again) {
      expect(status).toBe(200);
      expect(body.toString()).toContain(`${next}.m4s`);
    }
    for (const each of clients) each.close();
  });

  it('loses its workers while they refresh a playlist, and the others refresh it after all', async () => {
    await client.get(playlist);
    const release = origin.hold(playlist);
    // Who refreshes it waits for the origin, who comes later gets the stale one meanwhile.
    const clients = manyClients(edge.url, 200);
    const answers: ClientAnswer[] = [];
    let asked = 0;
    await pollUntil(
      () => {
        clients[asked++]?.get(playlist).then(
          (answer) => answers.push(answer),
          () => undefined,
        );
        return answers.some(({ headers }) => headers['shoal-cache'] === 'UPDATING');
      },
      { timeoutMs: 20_000, description: 'a worker refreshes the playlist', intervalMs: 100 },
    );
    await edge.killWorkers();
    release();
    await origin.listNext();
    await pollUntil(
      async () => {
        const answer = await client.get(playlist).catch(() => null);
        return answer?.body.toString().includes(`/${origin.lastNumber}.m4s`);
      },
      { timeoutMs: 20_000, description: 'the new segment is listed', intervalMs: 100 },
    );
    for (const each of clients) each.close();
  });

  it('asks for a polled playlist at most once a second, whatever the number of clients', async () => {
    const clients = manyClients(edge.url, 100);
    origin.requests.clear();
    const startedAtMs = performance.now();
    for (let round = 0; round < 20; round += 1) {
      const answers = await Promise.all(clients.map((each) => each.get(`${playlist}?t=${round}`)));
      for (const { status } of answers) expect(status).toBe(200);
    }
    const seconds = (performance.now() - startedAtMs) / 1_000;
    expect([...origin.requests.keys()].filter((url) => url !== playlist)).toEqual([]);
    // And one renewal in five seconds.
    const renewals = Math.ceil(seconds / 5);
    const mostRequests = Math.ceil(seconds) + 1 + renewals;
    expect(origin.requests.get(playlist) ?? 0).toBeLessThanOrEqual(mostRequests);
    for (const each of clients) each.close();
  });

  it('remembers for a moment that a broadcast has not begun', async () => {
    const clients = manyClients(edge.url, 100);
    const url = '/live/later/index.m3u8';
    await client.get(url);
    origin.requests.clear();
    const answers = await Promise.all(clients.map((each) => each.get(url)));
    for (const { status } of answers) expect(status).toBe(404);
    expect(origin.requests.get(url) ?? 0).toBeLessThanOrEqual(1);
    for (const each of clients) each.close();
  });

  it('serves ranges from what it has, and tells scripts of other sites about it', async () => {
    const url = origin.segmentPath(origin.lastNumber);
    const whole = await client.get(url);
    origin.requests.clear();
    const part = await client.get(url, { range: 'bytes=1000-1999' });
    expect(part.status).toBe(206);
    expect(part.headers['content-range']).toBe(`bytes 1000-1999/${segmentBytes}`);
    expect(part.body).toEqual(whole.body.subarray(1000, 2000));
    expect(part.headers['access-control-allow-origin']).toBe('*');
    expect(part.headers['access-control-expose-headers']).toContain('Shoal-Pieces');
    expect(part.headers['shoal-pieces']).toBe(whole.headers['shoal-pieces']);
    expect(part.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    const known = await client.get(url, { 'if-none-match': String(whole.headers.etag) });
    expect(known.status).toBe(304);
    expect(origin.requests.size).toBe(0);
  });

  it('compresses playlists for who takes it, from one request to the origin', async () => {
    await origin.listNext();
    const url = `${playlist}?_HLS_msn=${origin.lastNumber}`;
    origin.requests.clear();
    const packed = await client.get(url, { 'accept-encoding': 'gzip' });
    const plain = await client.get(url);
    expect(packed.headers['content-encoding']).toBe('gzip');
    expect(packed.body.length).toBeLessThan(plain.body.length);
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(plain.body.toString()).toMatch(/^#EXTM3U/);
    expect(origin.requests.get(url)).toBe(1);
  });

  it('fetches again what a player found broken, but not without a limit', async () => {
    const url = origin.segmentPath(origin.lastNumber);
    await client.get(url);
    origin.requests.clear();
    const fresh = await client.get(url, { 'cache-control': 'no-cache' });
    expect(fresh.status).toBe(200);
    expect(origin.requests.get(url)).toBe(1);
    const clients = manyClients(edge.url, 200);
    const answers = await Promise.all(
      clients.map((each) => each.get(url, { 'cache-control': 'no-cache' })),
    );
    const refused = answers.filter(({ status }) => status === 503).length;
    expect(refused).toBeGreaterThan(100);
    expect((await client.get(url)).status).toBe(200);
    for (const each of clients) each.close();
  });

  it('hides metrics, answers its own health and passes nothing else off as healthy', async () => {
    expect((await client.get('/edge/health')).body.toString()).toBe('ok\n');
    for (const url of ['/metrics', '/healthz', '/readyz']) {
      expect((await client.get(url)).status, url).toBe(404);
    }
  });

  it('goes on with what it has while the origin is gone, and says 503 for what it has not', async () => {
    const known = origin.segmentPath(origin.lastNumber);
    await client.get(known);
    const before = await client.get(playlist);
    await origin.shut();
    const clients = manyClients(edge.url, 50);
    // Longer than the playlist is fresh: what follows is answered from what is stale.
    const untilMs = performance.now() + 3_000;
    while (performance.now() < untilMs) {
      const answers = await Promise.all(
        clients.flatMap((each) => [each.get(playlist), each.get(known)]),
      );
      for (const { status } of answers) expect(status).toBe(200);
      expect(answers[0]?.body.equals(before.body)).toBe(true);
    }
    const missing = await client.get(`${playlist}?_HLS_msn=${origin.lastNumber + 1}`);
    expect(missing.status).toBe(503);
    expect(missing.headers['access-control-allow-origin']).toBe('*');
    expect(missing.headers['cache-control']).toBe('no-store');
    await origin.listen();
    await origin.listNext();
    await pollUntil(
      async () => {
        const answer = await client.get(`${playlist}?_HLS_msn=${origin.lastNumber}`);
        return answer.status === 200 && answer.body.toString().includes(`${origin.lastNumber}.m4s`);
      },
      { timeoutMs: 10_000, description: 'the new segment is listed' },
    );
    for (const each of clients) each.close();
  });

  it('speaks HTTP/2 over TLS, many requests on one connection', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'shoal-tls-'));
    const [keyFile, certificateFile] = [`${directory}/key.pem`, `${directory}/cert.pem`];
    await run('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-subj', '/CN=localhost', '-days', '1', '-keyout', keyFile, '-out', certificateFile],
    ]);
    const tls = { port: await freePort(), trackerPort: await freePort(), keyFile, certificateFile };
    const secure = await NginxEdge.start({
      ingests: [origin.address],
      trackers: ['127.0.0.1:9'],
      tls,
    });
    const session = connect(`https://localhost:${tls.port}`, { rejectUnauthorized: false });
    try {
      const statuses = await Promise.all(
        Array.from({ length: 20 }, async () => {
          const stream = session.request({ ':path': origin.segmentPath(0) });
          const [headers] = await once(stream, 'response');
          stream.resume();
          await once(stream, 'end');
          return headers[':status'];
        }),
      );
      expect(session.alpnProtocol).toBe('h2');
      expect(new Set(statuses)).toEqual(new Set([200]));
    } finally {
      session.destroy();
      await secure.close();
      await rm(directory, { recursive: true });
    }
  });

  it('logs what the telemetry importer reads, without addresses and queries', async () => {
    const url = origin.segmentPath(0);
    const { body } = await client.get(`${url}?token=secret`);
    const parse = createLineParser('nginx');
    const line = await pollUntil(
      async () =>
        (await readFile(edge.accessLogFile, 'utf8'))
          .split('\n')
          .find((each) => each.includes(`GET ${url} `)),
      { timeoutMs: 5_000, description: 'the request is logged' },
    );
    expect(parse(line)).toMatchObject({ stream: 'demo', bytes: body.length });
    const log = await readFile(edge.accessLogFile, 'utf8');
    expect(log).not.toContain('secret');
    expect(log).not.toContain('127.0.0.1 ');
    const unreadable = log.split('\n').filter((each) => parse(each) === 'unreadable');
    expect(unreadable).toEqual([]);
  });
});
