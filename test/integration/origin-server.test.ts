// The origin over real sockets: what CDNs, players and curious clients rely on. Media are random
// bytes here; what is checked is HTTP.

import { createHash } from 'node:crypto';
import { request } from 'node:http';
import type { StreamList } from '@shoal/ingest/protocol';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHttpServer } from '../../ingest/http-server.ts';
import { EgressMeter } from '../../ingest/origin/egress-meter.ts';
import { LiveStreams, type Presentation } from '../../ingest/origin/live-stream.ts';
import { MediaObjects } from '../../ingest/origin/media-objects.ts';
import { MemoryStore } from '../../ingest/origin/memory-store.ts';
import { registerOrigin } from '../../ingest/origin/origin-server.ts';
import { RecordingArchive } from '../../ingest/origin/recording-archive.ts';
import { streamId } from '../support/ingest-for-test.ts';
import { pollUntil } from '../support/poll-until.ts';
import { beginPresentation, listSegment } from '../support/presentation-for-test.ts';

const demo = streamId('demo');
const logger = pino({ level: 'silent' });
const immutable = 'public, max-age=31536000, immutable';

describe('the origin', () => {
  let app: FastifyInstance;
  let base: string;
  let streams: LiveStreams;
  let objects: MediaObjects;
  let archive: RecordingArchive;
  let egress: EgressMeter;

  beforeEach(async () => {
    streams = new LiveStreams({ segmentSeconds: 1, windowSeconds: 60, isRecorded: true });
    objects = new MediaObjects(new MemoryStore());
    archive = await RecordingArchive.start({ objects, logger });
    egress = new EgressMeter();
    app = createHttpServer(logger);
    await registerOrigin(app, {
      ...{ streams, objects, archive, egress, segmentSeconds: 1 },
      publicUrl: () => 'https://cdn.example',
      integrityKey: { kty: 'OKP', crv: 'Ed25519', x: 'x' },
    });
    base = await app.listen({ host: '127.0.0.1', port: 0 });
  });

  afterEach(() => app.close());

  async function liveWith(count: number): Promise<{ presentation: Presentation; last: Buffer }> {
    const presentation = await beginPresentation(streams, objects, demo);
    let last: Buffer = Buffer.alloc(0);
    for (let number = 0; number < count; number += 1) {
      last = await listShort(presentation, number);
    }
    return { presentation, last };
  }

  /** Segments of one second, as the target duration of this origin asks. */
  async function listShort(presentation: Presentation, number: number): Promise<Buffer> {
    return listSegment(presentation, objects, number, 150_000, 1);
  }

  const get = (pathName: string, init?: RequestInit) => fetch(`${base}${pathName}`, init);
  const segmentPath = (presentation: Presentation, number: number) =>
    `/live/demo/tiny/${presentation.recording}/${number}.m4s`;

  it('answers 404 as problem+json before the first segment and for what is unknown', async () => {
    await beginPresentation(streams, objects, demo);
    for (const pathName of [
      ...['/live/demo/index.m3u8', '/live/demo/tiny/index.m3u8', '/live/other/index.m3u8'],
      ...['/live/NOT%20VALID/index.m3u8', '/live/demo/none/index.m3u8', '/live/demo'],
      ...['/live/demo/tiny/20261122t090000z-abc123/7.m4s', '/live/demo/tiny/x/..%2f..%2fsecret'],
      ...['/vod/demo/20261122t090000z-abc123/index.m3u8', '/vod/demo/x/index.m3u8', '/nothing'],
    ]) {
      const response = await get(pathName);
      expect(response.status, pathName).toBe(404);
      expect(response.headers.get('content-type')).toContain('application/problem+json');
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(await response.json()).toMatchObject({ status: 404, type: expect.any(String) });
    }
  });

  it('serves playlists that caches keep for half a target duration at most', async () => {
    await liveWith(2);
    for (const pathName of ['/live/demo/index.m3u8', '/live/demo/tiny/index.m3u8']) {
      const response = await get(pathName);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe('application/vnd.apple.mpegurl');
      expect(response.headers.get('cache-control')).toBe('public, max-age=0');
      expect(response.headers.get('access-control-allow-origin')).toBe('*');
      expect(response.headers.get('etag')).toMatch(/^"[0-9a-f]{64}(?:-br|-gzip)?"$/);
    }
  });

  it('serves segments that never change, with their digest as ETag', async () => {
    const { presentation, last } = await liveWith(2);
    const response = await get(segmentPath(presentation, 1));
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(bytes.equals(last)).toBe(true);
    expect(response.headers.get('cache-control')).toBe(immutable);
    expect(response.headers.get('content-type')).toBe('video/iso.segment');
    expect(response.headers.get('accept-ranges')).toBe('bytes');
    const digest = createHash('sha256').update(last).digest('hex');
    expect(response.headers.get('etag')).toBe(`"${digest}"`);
    for (const name of ['Content-Length', 'Content-Range', 'ETag', 'Date']) {
      expect(response.headers.get('access-control-expose-headers')).toContain(name);
    }
    const init = await get(`/live/demo/tiny/${presentation.recording}/init-0.mp4`);
    expect(init.headers.get('content-type')).toBe('video/mp4');
    expect(init.headers.get('cache-control')).toBe(immutable);
  });

  it('answers HEAD like GET, without a body and without counting it', async () => {
    const { presentation } = await liveWith(1);
    for (const pathName of ['/live/demo/index.m3u8', segmentPath(presentation, 0)]) {
      const [headed, got] = [await get(pathName, { method: 'HEAD' }), await get(pathName)];
      const comparable = (response: Response) =>
        [...response.headers]
          .filter(([name]) => !['date', 'connection', 'keep-alive'].includes(name))
          .toSorted();
      expect(headed.status).toBe(got.status);
      expect(comparable(headed)).toEqual(comparable(got));
      expect((await headed.arrayBuffer()).byteLength).toBe(0);
      await got.arrayBuffer();
    }
    expect(egress.totalBytes(demo)).toBe(150_000);
  });

  it('answers 304 to those who have it', async () => {
    const { presentation } = await liveWith(1);
    const pathName = segmentPath(presentation, 0);
    const etag = (await get(pathName, { method: 'HEAD' })).headers.get('etag') ?? '';
    for (const value of [etag, `"other", ${etag}`, `W/${etag}`, '*']) {
      const response = await get(pathName, { headers: { 'if-none-match': value } });
      expect(response.status).toBe(304);
      expect(response.headers.get('etag')).toBe(etag);
      expect(response.headers.get('cache-control')).toBe(immutable);
    }
    expect((await get(pathName, { headers: { 'if-none-match': '"other"' } })).status).toBe(200);
  });

  it.each(['br', 'gzip'])('sends playlists as %s to clients that take it', async (coding) => {
    await liveWith(20);
    const path = '/live/demo/tiny/index.m3u8';
    const plain = await get(path, { headers: { 'accept-encoding': 'identity' } });
    const headers = { 'accept-encoding': coding };
    const coded = await get(path, { headers });
    expect(plain.headers.get('content-encoding')).toBeNull();
    expect(coded.headers.get('content-encoding')).toBe(coding);
    for (const { headers: sent } of [plain, coded])
      expect(sent.get('vary')).toBe('accept-encoding');
    expect(await coded.text()).toBe(await plain.text());
    const sizeOf = (response: Response) => Number(response.headers.get('content-length'));
    expect(sizeOf(coded)).toBeLessThan(sizeOf(plain) * 0.7);
    const etag = coded.headers.get('etag') ?? '';
    expect(etag).not.toBe(plain.headers.get('etag'));
    expect((await get(path, { headers: { ...headers, 'if-none-match': etag } })).status).toBe(304);
    const head = await get(path, { method: 'HEAD', headers });
    expect(sizeOf(head)).toBe(sizeOf(coded));
    const part = await get(path, { headers: { ...headers, range: 'bytes=0-6' } });
    expect(part.headers.get('content-encoding')).toBeNull();
    expect(await part.text()).toBe('#EXTM3U');
    const segment = await get(
      `/live/demo/tiny/${(await (await get(path)).text()).match(/^\S+\.m4s$/m)}`,
      {
        headers,
      },
    );
    expect(segment.headers.get('content-encoding')).toBeNull();
    await segment.arrayBuffer();
  });

  it('serves one range, and the whole where a range is not to be heeded', async () => {
    const { presentation, last } = await liveWith(1);
    const pathName = segmentPath(presentation, 0);
    const etag = (await get(pathName, { method: 'HEAD' })).headers.get('etag') ?? '';
    const ranged = async (headers: Record<string, string>) => {
      const response = await get(pathName, { headers });
      const contentRange = response.headers.get('content-range');
      return {
        status: response.status,
        contentRange,
        bytes: Buffer.from(await response.arrayBuffer()),
      };
    };
    const part = await ranged({ range: 'bytes=100-199' });
    expect(part).toMatchObject({ status: 206, contentRange: 'bytes 100-199/150000' });
    expect(part.bytes.equals(last.subarray(100, 200))).toBe(true);
    const tail = await ranged({ range: 'bytes=-10', 'if-range': etag });
    expect(tail).toMatchObject({ status: 206, contentRange: 'bytes 149990-149999/150000' });
    for (const headers of [
      { range: 'bytes=0-1,5-6' },
      { range: 'seconds=0-1' },
      { range: 'bytes=0-9', 'if-range': '"other"' },
    ]) {
      const whole = await ranged(headers);
      expect(whole.status).toBe(200);
      expect(whole.bytes.equals(last)).toBe(true);
    }
    const outside = await get(pathName, { headers: { range: 'bytes=150000-' } });
    expect(outside.status).toBe(416);
    expect(outside.headers.get('content-range')).toBe('bytes */150000');
    expect(await outside.json()).toMatchObject({ status: 416 });
  });

  it('counts the bytes of segments and init sections that sockets took, and nothing else', async () => {
    const { presentation } = await liveWith(1);
    await (await get('/live/demo/index.m3u8')).arrayBuffer();
    await (await get('/live/demo/tiny/index.m3u8')).arrayBuffer();
    await (await get(`/live/demo/tiny/${presentation.recording}/init-0.mp4`)).arrayBuffer();
    await (await get(segmentPath(presentation, 0))).arrayBuffer();
    const headers = { range: 'bytes=0-99' };
    await (await get(segmentPath(presentation, 0), { headers })).arrayBuffer();
    expect(egress.totalBytes(demo)).toBe(700 + 150_000 + 100);
    const list: StreamList = await (await get('/api/v1/streams')).json();
    expect(list.streams[0]?.originEgressBytes).toBe(150_800);
  });

  it('does not count what a client that left did not take', async () => {
    const presentation = await beginPresentation(streams, objects, demo);
    const sizeBytes = 40_000_000;
    await listSegment(presentation, objects, 0, sizeBytes, 1);
    const closed = new Promise<void>((resolve, reject) => {
      const client = request(`${base}${segmentPath(presentation, 0)}`, (response) => {
        response.once('data', () => client.destroy());
        response.once('close', resolve);
      });
      client.on('error', reject);
      client.end();
    });
    await closed;
    const settled = await pollUntil(
      async () => {
        const before = egress.totalBytes(demo);
        await new Promise((resolve) => setTimeout(resolve, 200));
        return before > 0 && egress.totalBytes(demo) === before;
      },
      { timeoutMs: 5_000, description: 'the origin stops writing' },
    );
    expect(settled).toBe(true);
    expect(egress.totalBytes(demo)).toBeLessThan(sizeBytes);
  });

  it('answers preflights and refuses what would change something', async () => {
    await liveWith(1);
    const preflight = await get('/live/demo/index.m3u8', { method: 'OPTIONS' });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*');
    expect(preflight.headers.get('access-control-allow-headers')).toContain('Range');
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
      const response = await get('/live/demo/index.m3u8', { method });
      expect(response.status).toBe(405);
      expect(response.headers.get('allow')).toContain('GET');
    }
  });

  it('holds a reload until its segment is listed', async () => {
    const { presentation } = await liveWith(3);
    const playlist = '/live/demo/tiny/index.m3u8';
    let isAnswered = false;
    const held = get(`${playlist}?_HLS_msn=3&_HLS_part=0`).then(async (response) => {
      isAnswered = true;
      return response.text();
    });
    const past = await get(`${playlist}?_HLS_msn=1`);
    expect(past.status).toBe(200);
    expect(isAnswered).toBe(false);
    await listShort(presentation, 3);
    expect(await held).toContain('/3.m4s');
  });

  it('does not hold a reload for longer than three target durations', async () => {
    await liveWith(1);
    const startedAtMs = performance.now();
    const response = await get('/live/demo/tiny/index.m3u8?_HLS_msn=1');
    const elapsedMs = performance.now() - startedAtMs;
    expect(await response.text()).not.toContain('/1.m4s');
    expect(elapsedMs).toBeGreaterThan(2_900);
    expect(elapsedMs).toBeLessThan(6_000);
  });

  it('refuses reloads that make no sense', async () => {
    await liveWith(3);
    for (const query of [
      '_HLS_msn=5',
      '_HLS_msn=x',
      '_HLS_msn=-1',
      '_HLS_part=1',
      '_HLS_msn=1&_HLS_part=a',
      '_HLS_msn=1&_HLS_msn=2',
    ]) {
      const response = await get(`/live/demo/tiny/index.m3u8?${query}`);
      expect(response.status, query).toBe(400);
      expect(await response.json()).toMatchObject({ status: 400 });
    }
  });

  it('lets go of held reloads when it closes', async () => {
    await liveWith(1);
    const held = get('/live/demo/tiny/index.m3u8?_HLS_msn=1').then(
      () => 'answered',
      () => 'cut',
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    const startedAtMs = performance.now();
    await app.close();
    expect(performance.now() - startedAtMs).toBeLessThan(2_000);
    expect(['answered', 'cut']).toContain(await held);
  });

  it('lists streams and recordings', async () => {
    const { presentation } = await liveWith(2);
    const live: StreamList = await (await get('/api/v1/streams')).json();
    expect(live).toEqual({
      streams: [
        {
          ...{ id: 'demo', state: 'live', startedAt: '2026-11-22T09:00:00.000Z', endedAt: null },
          playlistUrl: 'https://cdn.example/live/demo/index.m3u8',
          renditions: [
            {
              ...{ name: 'tiny', widthPx: 64, heightPx: 36, codecs: 'avc1.4d400a,mp4a.40.2' },
              bandwidthBps: 1_320_000,
            },
          ],
          originEgressBytes: 0,
        },
      ],
      recordings: [],
    });
    presentation.end(new Date(Date.UTC(2026, 10, 22, 9, 0, 2)));
    await archive.finish(presentation.describe(), new Date(Date.UTC(2026, 10, 22, 9, 0, 2)));
    const ended: StreamList = await (await get('/api/v1/streams')).json();
    expect(ended.streams[0]).toMatchObject({ state: 'ended', endedAt: '2026-11-22T09:00:02.000Z' });
    expect(ended.recordings).toMatchObject([
      {
        ...{ id: presentation.recording, stream: 'demo', durationSeconds: 2 },
        playlistUrl: `https://cdn.example/vod/demo/${presentation.recording}/index.m3u8`,
      },
    ]);
    const playlist = await get('/live/demo/tiny/index.m3u8');
    expect(playlist.headers.get('cache-control')).toBe('public, max-age=10');
    expect(await playlist.text()).toContain('#EXT-X-ENDLIST');
    const recorded = await get(`/vod/demo/${presentation.recording}/tiny/index.m3u8`);
    expect(recorded.headers.get('cache-control')).toBe('public, max-age=86400');
    expect(await recorded.text()).toContain('\n1.m4s\n');
    await (await get(`/vod/demo/${presentation.recording}/tiny/1.m4s`)).arrayBuffer();
    expect(egress.totalBytes(demo)).toBe(150_000);
  });

  it('finishes after a crash what checkpoints have kept', async () => {
    const { presentation } = await liveWith(2);
    await archive.checkpoint(presentation.describe(0, 2), 0);
    await listShort(presentation, 2);
    await archive.checkpoint(presentation.describe(2, 3), 1);
    await listShort(presentation, 3);
    // The process is gone here; another one starts on the same store.
    const restarted = await RecordingArchive.start({ objects, logger });
    expect(restarted.summaries).toMatchObject([
      {
        recording: presentation.recording,
        durationSeconds: 3,
        endedAt: '2026-11-22T09:00:03.000Z',
      },
    ]);
    const text = await (await get(`/vod/demo/${presentation.recording}/tiny/index.m3u8`)).text();
    expect(text.match(/\d+\.m4s/g)).toEqual(['0.m4s', '1.m4s', '2.m4s']);
    expect(text).toContain('#EXT-X-ENDLIST');
    expect(await objects.store.list('checkpoints/')).toEqual([]);
  });

  it('leaves a damaged description alone and starts', async () => {
    await objects.store.put('recordings/demo/x.json', Buffer.from('{"stream":"demo"'));
    await objects.store.put('checkpoints/demo/x/00000000.json', Buffer.from('{"renditions":3}'));
    const restarted = await RecordingArchive.start({ objects, logger });
    expect(restarted.summaries).toEqual([]);
  });
});
