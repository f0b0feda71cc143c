// Ingest as a service: status routes, pages with their settings, player files, and the process
// that `npm run ingest` starts.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeFrames, playFrames } from '../support/frame-source.ts';
import {
  type IngestForTest,
  publisherForTest,
  startIngestForTest,
  streamId,
} from '../support/ingest-for-test.ts';
import { pollUntil } from '../support/poll-until.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = (name: string) => `<!doctype html><head><!--shoal-config--></head><p>${name}</p>`;

async function buildPages(directory: string): Promise<void> {
  await mkdir(path.join(directory, 'pages', 'assets'), { recursive: true });
  await mkdir(path.join(directory, 'player'), { recursive: true });
  for (const name of ['index', 'watch', 'embed']) {
    await writeFile(path.join(directory, 'pages', `${name}.html`), page(name));
  }
  await writeFile(path.join(directory, 'pages', 'assets', 'page-1234.js'), 'page();');
  await writeFile(path.join(directory, 'player', 'shoal.js'), 'player();');
  await writeFile(path.join(directory, 'player', 'secret.txt'), 'no');
}

describe('the ingest service', () => {
  let house: IngestForTest;
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'shoal-service-'));
    await buildPages(directory);
    house = await startIngestForTest({ dataDirectory: directory });
  });

  afterAll(() => house.close());

  const get = (pathName: string, init?: RequestInit) =>
    fetch(`${house.ingest.url}${pathName}`, init);

  function settingsIn(html: string): unknown {
    const json = /<script id="shoal-config" type="application\/json">(.*?)<\/script>/.exec(
      html,
    )?.[1];
    return JSON.parse(json ?? 'null');
  }

  it('puts its settings into the pages', async () => {
    const before = await (await get('/watch/other')).text();
    const { x: integrityKey } = await (await get('/api/v1/integrity-key')).json();
    expect(settingsIn(before)).toEqual({
      ...{ stream: 'other', tracker: null, dashboard: null, integrityKey, tokenUrl: null },
    });
    house.ingest.announceTracker('http://tracker.example:8090/?a=</script><script>alert(1)');
    const html = await (await get('/')).text();
    expect(html).toContain('<p>index</p>');
    expect(html.match(/<script/g)).toHaveLength(1);
    expect(settingsIn(html)).toMatchObject({ stream: 'demo' });
    house.ingest.announceTracker('http://tracker.example:8090/');
    const embed = await get('/embed/demo');
    expect(embed.headers.get('content-type')).toContain('text/html');
    expect(settingsIn(await embed.text())).toEqual({
      ...{ stream: 'demo', tracker: 'ws://tracker.example:8090', integrityKey },
      ...{ dashboard: 'http://tracker.example:8090/', tokenUrl: null },
    });
  });

  it('sends players to a tracker that listens everywhere under the name of the page', async () => {
    house.ingest.announceTracker('http://0.0.0.0:8090');
    expect(settingsIn(await (await get('/watch/demo')).text())).toMatchObject({
      tracker: 'ws://127.0.0.1:8090',
    });
  });

  it('serves hashed assets for ever and the player for a while, to every site', async () => {
    const asset = await get('/assets/page-1234.js');
    expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    const player = await get('/player/shoal.js');
    expect(await player.text()).toBe('player();');
    expect(player.headers.get('access-control-allow-origin')).toBe('*');
    expect(player.headers.get('cache-control')).toBe('public, max-age=60');
    const etag = player.headers.get('etag') ?? '';
    // Without its own Cache-Control, fetch would ask for a fresh answer.
    const headers = { 'if-none-match': etag, 'cache-control': 'max-age=0' };
    const again = await get('/player/shoal.js', { headers });
    expect(again.status).toBe(304);
  });

  it('answers what it does not have as problem+json', async () => {
    for (const pathName of [
      '/player/secret.txt',
      '/player/shoal.mjs',
      '/assets/none.js',
      '/watch/A',
      '/x',
    ]) {
      const response = await get(pathName);
      expect(response.status, pathName).toBe(404);
      expect(response.headers.get('content-type')).toContain('application/problem+json');
    }
    const posted = await get('/watch/demo', { method: 'POST' });
    expect(posted.status).toBe(405);
    expect(posted.headers.get('allow')).toBe('GET, HEAD');
  });

  it('says that the pages are not built when they are not', async () => {
    const bare = await startIngestForTest({ store: 'memory' });
    try {
      for (const pathName of ['/', '/watch/demo', '/player/shoal.js']) {
        const response = await fetch(`${bare.ingest.url}${pathName}`);
        expect(response.status).toBe(404);
        expect(await response.text()).toContain('npm run build');
      }
    } finally {
      await bare.close();
    }
  });

  it('tells its health and its figures', async () => {
    expect((await get('/healthz')).status).toBe(200);
    expect((await get('/readyz')).status).toBe(200);
    const frames = await makeFrames({
      ...{ widthPx: 320, heightPx: 180, frameRate: 10, durationSeconds: 3 },
      ...{ startTimeMs: Date.now(), hasAudio: false },
    });
    const media = { hasVideo: true, hasAudio: false };
    const sink = house.ingest.openBroadcast(streamId('demo'), publisherForTest(media));
    await playFrames(frames, (frame) => sink.writeFrame(frame), { speed: 4 });
    expect(await (await get('/metrics')).text()).toContain('\nshoal_live_streams 1\n');
    await sink.close('deleted');
    const playlist = await (await get('/live/demo/180p/index.m3u8')).text();
    const uri = /\n(\S+\.m4s)\n/.exec(playlist)?.[1] ?? '';
    const bytes = await (await get(`/live/demo/180p/${uri}`)).arrayBuffer();
    const metrics = await (await get('/metrics')).text();
    expect(metrics).toContain(
      `\nshoal_origin_egress_bytes_total{stream="demo"} ${bytes.byteLength}\n`,
    );
    expect(metrics).toContain('\nshoal_live_streams 0\n');
    expect(metrics).toContain('\nshoal_segment_listing_seconds_count 2\n');
    expect(metrics).toContain('\nprocess_cpu_seconds_total');
  });

  it('has the WHIP endpoint, which asks for a key', async () => {
    const response = await get('/whip/demo', { method: 'POST', body: 'v=0' });
    expect(response.status).toBe(401);
  });

  it('ends running broadcasts when it closes, once, and takes no new ones', async () => {
    const second = await startIngestForTest({ store: 'memory' });
    const media = { hasVideo: true, hasAudio: false };
    const frames = await makeFrames({
      ...{ widthPx: 320, heightPx: 180, frameRate: 10, durationSeconds: 2 },
      ...{ startTimeMs: Date.now(), hasAudio: false },
    });
    const sink = second.ingest.openBroadcast(streamId('demo'), publisherForTest(media));
    for (const frame of frames) sink.writeFrame(frame);
    const closing = second.ingest.close('test');
    expect(second.ingest.close('again')).toBe(closing);
    expect(() => second.ingest.openBroadcast(streamId('demo'), publisherForTest())).toThrow();
    await closing;
    await sink.close('shutdown');
    await second.close();
  });
});

describe('npm run ingest', () => {
  function run(environment: Record<string, string>) {
    const child: ChildProcess = spawn(process.execPath, ['--import', 'tsx', 'ingest/main.ts'], {
      cwd: root,
      env: { PATH: process.env.PATH, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output = { text: '', errors: '' };
    child.stdout?.on('data', (chunk: Buffer) => {
      output.text += chunk.toString();
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      output.errors += chunk.toString();
    });
    const exited = new Promise<number | null>((resolve) => {
      child.once('close', (exitCode) => resolve(exitCode));
    });
    return { child, output, exited };
  }

  it('prints its URLs, a key and ready, and stops cleanly on SIGTERM', async () => {
    const directory = await mkdtemp(path.join(os.tmpdir(), 'shoal-main-'));
    const { child, output, exited } = run({ SHOAL_INGEST_PORT: '0', SHOAL_DATA_DIR: directory });
    await pollUntil(() => output.text.includes('\nready\n'), {
      timeoutMs: 30_000,
      description: 'ingest prints ready',
    });
    const url = /pages\s+(http:\S+)\//.exec(output.text)?.[1] ?? '';
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    expect(output.text).toMatch(/key\s+demo:[\w-]{20,}/);
    child.kill('SIGTERM');
    expect(await exited).toBe(0);
    expect(output.errors).toBe('');
    await rm(directory, { recursive: true });
  });

  it('says what is wrong with its environment and exits with 2', async () => {
    const { output, exited } = run({ SHOAL_INGEST_PORT: 'eighty', SHOAL_TYPO: 'x' });
    expect(await exited).toBe(2);
    expect(output.errors).toContain('SHOAL_INGEST_PORT');
    expect(output.errors).toContain('SHOAL_TYPO');
    expect(output.errors).not.toContain('    at ');
  });
});
