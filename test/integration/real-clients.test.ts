// Publishers that are not ours, against the whole of ingest: Chromium with each codec that it has,
// and a WHIP client from npm that trickles. What counts is the HLS that comes out.

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchChromium, publishFrom } from '../support/chromium-publisher.ts';
import { type IngestForTest, startIngestForTest, streamId } from '../support/ingest-for-test.ts';
import { pollUntil } from '../support/poll-until.ts';

const run = promisify(execFile);
const codecs = ['h264', 'vp8', 'vp9', 'av1'] as const;
const streams = [...codecs, 'npm', 'sound'];
const tinyLadder = [
  { name: '180p', widthPx: 320, heightPx: 180, videoBitrateBps: 200_000, audioBitrateBps: 64_000 },
];

let service: IngestForTest;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  service = await startIngestForTest({
    streamKeys: new Map(streams.map((stream) => [streamId(stream), 'key-of-the-test'])),
    store: 'memory',
    ladder: tinyLadder,
    segmentSeconds: 1,
  });
  browser = await launchChromium();
});

afterAll(async () => {
  await browser.close();
  await service.close();
});

beforeEach(async () => {
  page = await browser.newPage();
  await page.goto(`${service.ingest.url}/healthz`);
});

afterEach(async () => {
  await page.close();
});

interface Playable {
  readonly multivariant: string;
  /** What ffprobe finds in the init section and the first two segments. */
  readonly streamKinds: readonly string[];
  /** What ffmpeg complains about when it decodes them. */
  readonly complaints: string;
}

async function text(url: URL): Promise<string | null> {
  const response = await fetch(url);
  return response.ok ? await response.text() : null;
}

/** Waits for two segments and decodes them. */
async function playableOf(stream: string, rendition: string): Promise<Playable> {
  const base = new URL(`${service.ingest.url}/live/${stream}/`);
  const playlistUrl = new URL(`${rendition}/index.m3u8`, base);
  const playlist = await pollUntil(
    async () => {
      const found = await text(playlistUrl);
      return found !== null && (found.match(/#EXTINF/g)?.length ?? 0) >= 2 ? found : null;
    },
    { timeoutMs: 45_000, description: `two segments of ${stream}` },
  );
  const map = /#EXT-X-MAP:URI="([^"]+)"/.exec(playlist)?.[1] ?? '';
  const segments = playlist.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const bytes: Buffer[] = [];
  for (const name of [map, ...segments.slice(0, 2)]) {
    const response = await fetch(new URL(name, playlistUrl));
    expect(response.status).toBe(200);
    bytes.push(Buffer.from(await response.arrayBuffer()));
  }
  const { stdout, stderr } = await decode(Buffer.concat(bytes));
  return {
    multivariant: (await text(new URL('index.m3u8', base))) ?? '',
    streamKinds: [...new Set(stdout.match(/(?<=codec_type=)\w+/g))].sort(),
    complaints: stderr,
  };
}

async function decode(media: Buffer): Promise<{ stdout: string; stderr: string }> {
  const probing = run('ffprobe', ['-v', 'error', '-show_streams', '-i', 'pipe:0']);
  probing.child.stdin?.end(media);
  // The muxer counts in ticks of the guessed frame rate unless it is told to keep the timestamps:
  // two pictures of a camera whose pace jitters could share a tick, which it would complain about.
  const keepTimestamps = ['-fps_mode', 'passthrough', '-enc_time_base', '-1'];
  const output = [...keepTimestamps, '-f', 'null', '-'];
  const decoding = run('ffmpeg', ['-v', 'error', '-i', 'pipe:0', ...output]);
  decoding.child.stdin?.end(media);
  return { stdout: (await probing).stdout, stderr: (await decoding).stderr };
}

async function end(location: string | null): Promise<void> {
  const response = await fetch(new URL(location ?? '', service.ingest.url), { method: 'DELETE' });
  expect(response.status).toBe(200);
}

describe('Chromium', () => {
  it.each(codecs)(
    'publishes %s, and HLS that decodes without complaint comes out',
    async (codec) => {
      const published = await publishFrom(page, {
        endpoint: `/whip/${codec}`,
        key: 'key-of-the-test',
        codec,
        widthPx: 320,
        heightPx: 180,
      });
      expect(published.status).toBe(201);
      const { multivariant, streamKinds, complaints } = await playableOf(codec, '180p');
      expect(multivariant).toMatch(/RESOLUTION=\d+x\d+/);
      expect(streamKinds).toEqual(['audio', 'video']);
      expect(complaints).toBe('');
      await end(published.location);
    },
  );

  it('publishes sound alone, and HLS with sound alone comes out', async () => {
    const published = await publishFrom(page, {
      endpoint: '/whip/sound',
      key: 'key-of-the-test',
      codec: null,
      widthPx: 320,
      heightPx: 180,
    });
    expect(published.status).toBe(201);
    const { multivariant, streamKinds, complaints } = await playableOf('sound', 'audio');
    expect(multivariant).toMatch(/CODECS="mp4a\.40\.2"/);
    expect(streamKinds).toEqual(['audio']);
    expect(complaints).toBe('');
    await end(published.location);
  });
});

/** A text, because the test runner would rewrite the import. */
const publishWithNpmClient = `(async () => {
  const { WHIPClient } = await import('/whip-client.js');
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: true,
    video: { width: 320, height: 180 },
  });
  const connection = new RTCPeerConnection();
  for (const track of stream.getTracks()) {
    connection.addTransceiver(track, { direction: 'sendonly', streams: [stream] });
  }
  window.whipClient = new WHIPClient();
  await whipClient.publish(connection, new URL('/whip/npm', location.href), 'key-of-the-test');
})()`;

describe('the whip-whep client from npm', () => {
  it('publishes, trickles its candidates by PATCH, and stops', async () => {
    const source = fileURLToPath(import.meta.resolve('whip-whep/whip.js'));
    const body = await readFile(source, 'utf8');
    await page.route('**/whip-client.js', async (route) => {
      await route.fulfill({ contentType: 'text/javascript', body });
    });
    const patches: number[] = [];
    page.on('response', (response) => {
      if (response.request().method() === 'PATCH') patches.push(response.status());
    });
    await page.evaluate(publishWithNpmClient);
    const { streamKinds, complaints } = await playableOf('npm', '180p');
    expect(streamKinds).toEqual(['audio', 'video']);
    expect(complaints).toBe('');
    expect(patches.length).toBeGreaterThan(0);
    expect(new Set(patches)).toEqual(new Set([204]));
    await page.evaluate('whipClient.stop()');
    const ended = await pollUntil(
      async () =>
        (await text(new URL('/live/npm/180p/index.m3u8', service.ingest.url)))?.includes(
          '#EXT-X-ENDLIST',
        ),
      { timeoutMs: 15_000, description: 'the playlist ends' },
    );
    expect(ended).toBe(true);
  });
});
