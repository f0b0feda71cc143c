// Publishers that are not ours, against the whole of ingest: Chromium with each codec that it has, a
// WHIP client from npm that trickles, Debian's of GStreamer. What counts is the HLS that comes out.

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { missingPackages, whipClientPackage } from '../../infra/local/system-packages.ts';
import { launchChromium, publishFrom } from '../support/chromium-publisher.ts';
import { decoderComplaints } from '../support/decoder-complaints.ts';
import { GstreamerPublisher } from '../support/gstreamer-publisher.ts';
import { type IngestForTest, startIngestForTest, streamId } from '../support/ingest-for-test.ts';
import { pollUntil } from '../support/poll-until.ts';
import { replaceCamera, turnCamera } from '../support/turned-camera.ts';

const run = promisify(execFile);
const codecs = ['h264', 'vp8', 'vp9', 'av1'] as const;
const streams = [...codecs, 'npm', 'sound', 'turned', 'gstreamer'];
const hasGstreamerClient = (await missingPackages([whipClientPackage])).length === 0;
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
  /** The init section and the first two segments of the first rendition. */
  readonly media: Buffer;
  /** Its last init section and last segment. */
  readonly lastMedia: Buffer;
  readonly discontinuities: number;
  /** What ffprobe finds in the init section and the first two segments of each rendition. */
  readonly streamKinds: readonly string[];
  /** What ffmpeg complains about when it decodes them. */
  readonly complaints: string;
}

async function text(url: URL): Promise<string | null> {
  const response = await fetch(url);
  return response.ok ? await response.text() : null;
}

/** Waits for two segments of each rendition and decodes them. */
async function playableOf(stream: string, renditions: readonly string[]): Promise<Playable> {
  const found = await Promise.all(renditions.map((rendition) => decodedOf(stream, rendition)));
  const [first] = found;
  if (first === undefined) throw new RangeError('no rendition was asked for');
  const { media, lastMedia, discontinuities } = first;
  return {
    ...{ media, lastMedia, discontinuities },
    multivariant: (await text(new URL(`${service.ingest.url}/live/${stream}/index.m3u8`))) ?? '',
    streamKinds: found.map(({ streamKinds }) => streamKinds.join()),
    complaints: found.map(({ complaints }) => complaints).join(''),
  };
}

async function decodedOf(stream: string, rendition: string) {
  const base = new URL(`${service.ingest.url}/live/${stream}/`);
  const playlistUrl = new URL(`${rendition}/index.m3u8`, base);
  const playlist = await pollUntil(
    async () => {
      const found = await text(playlistUrl);
      return found !== null && (found.match(/#EXTINF/g)?.length ?? 0) >= 2 ? found : null;
    },
    { timeoutMs: 45_000, description: `two segments of ${stream}` },
  );
  const maps = [...playlist.matchAll(/#EXT-X-MAP:URI="([^"]+)"/g)].map(([, name = '']) => name);
  const map = maps[0] ?? '';
  const segments = playlist.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const mediaOf = async (names: readonly string[]): Promise<Buffer> => {
    const bytes: Buffer[] = [];
    for (const name of names) {
      const response = await fetch(new URL(name, playlistUrl));
      expect(response.status).toBe(200);
      bytes.push(Buffer.from(await response.arrayBuffer()));
    }
    return Buffer.concat(bytes);
  };
  const media = await mediaOf([map, ...segments.slice(0, 2)]);
  const { stdout, stderr } = await decode(media);
  return {
    media,
    lastMedia: await mediaOf([maps.at(-1) ?? '', segments.at(-1) ?? '']),
    discontinuities: playlist.match(/#EXT-X-DISCONTINUITY$/gm)?.length ?? 0,
    streamKinds: [...new Set(stdout.match(/(?<=codec_type=)\w+/g))].sort(),
    complaints: stderr,
  };
}

async function decode(media: Buffer): Promise<{ stdout: string; stderr: string }> {
  const probing = run('ffprobe', ['-v', 'error', '-show_streams', '-i', 'pipe:0']);
  probing.child.stdin?.end(media);
  return { stdout: (await probing).stdout, stderr: await decoderComplaints(media) };
}

/** Which colour there is more of in each half of the last picture. */
async function halvesOf(
  media: Buffer,
  halves: 'above-each-other' | 'side-by-side',
): Promise<string[]> {
  const size = halves === 'side-by-side' ? '2:1' : '1:2';
  // As RGB before it is made small: the two halves would share their chroma.
  const graph = `format=rgb24,scale=${size}:flags=area`;
  const filter = ['-vf', graph, '-pix_fmt', 'rgb24', '-f', 'rawvideo'];
  const decoding = run('ffmpeg', ['-v', 'error', '-i', 'pipe:0', ...filter, 'pipe:1'], {
    encoding: 'buffer',
  });
  decoding.child.stdin?.end(media);
  const { stdout } = await decoding;
  const last = stdout.subarray(-6);
  return [last.subarray(0, 3), last.subarray(3)].map(([red = 0, , blue = 0]) => {
    if (Math.abs(red - blue) < 30) return 'neither';
    return red > blue ? 'red' : 'blue';
  });
}

async function untilEnded(stream: string): Promise<void> {
  const url = new URL(`/live/${stream}/180p/index.m3u8`, service.ingest.url);
  await pollUntil(async () => (await text(url))?.includes('#EXT-X-ENDLIST'), {
    timeoutMs: 15_000,
    description: 'the playlist ends',
  });
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
      const { multivariant, streamKinds, complaints } = await playableOf(codec, ['180p', 'audio']);
      expect(multivariant).toMatch(/RESOLUTION=\d+x\d+.*AUDIO="audio"/);
      expect(streamKinds).toEqual(['video', 'audio']);
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
    const { multivariant, streamKinds, complaints } = await playableOf('sound', ['audio']);
    expect(multivariant).toMatch(/CODECS="mp4a\.40\.2"/);
    expect(streamKinds).toEqual(['audio']);
    expect(complaints).toBe('');
    await end(published.location);
  });
});

describe('a phone that is turned', () => {
  it('is upright in the HLS, and when it is turned back too', async () => {
    await replaceCamera(page);
    await turnCamera(page, 90);
    const published = await publishFrom(page, {
      endpoint: '/whip/turned',
      key: 'key-of-the-test',
      codec: 'vp8',
      widthPx: 320,
      heightPx: 180,
      hasAudio: false,
    });
    expect(published.status).toBe(201);
    const { multivariant, media, complaints } = await playableOf('turned', ['180p']);
    const [, widthPx, heightPx] = /RESOLUTION=(\d+)x(\d+)/.exec(multivariant) ?? [];
    expect(Number(heightPx)).toBeGreaterThan(Number(widthPx));
    const [above, below] = await halvesOf(media, 'above-each-other');
    expect(above).toBe('red');
    expect(below).toBe('blue');
    expect(complaints).toBe('');

    await turnCamera(page, 0);
    const turned = await pollUntil(
      async () => {
        const found = await playableOf('turned', ['180p']);
        return found.discontinuities === 0 ? null : found;
      },
      { timeoutMs: 20_000, description: 'the playlist goes on with the picture turned back' },
    );
    const [left, right] = await halvesOf(turned.lastMedia, 'side-by-side');
    expect(left).toBe('red');
    expect(right).toBe('blue');
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
    const { streamKinds, complaints } = await playableOf('npm', ['180p', 'audio']);
    expect(streamKinds).toEqual(['video', 'audio']);
    expect(complaints).toBe('');
    expect(patches.length).toBeGreaterThan(0);
    expect(new Set(patches)).toEqual(new Set([204]));
    await page.evaluate('whipClient.stop()');
    await untilEnded('npm');
  });
});

// In other systems than Debian and Ubuntu there is no package of it.
describe.runIf(hasGstreamerClient)('simple-whip-client of Debian, on GStreamer', () => {
  it('publishes H.264 and Opus, trickles, and says goodbye', async () => {
    const whipUrl = `${service.ingest.url}/whip/gstreamer`;
    const publisher = await GstreamerPublisher.start(whipUrl, 'key-of-the-test');
    try {
      const { streamKinds, complaints } = await playableOf('gstreamer', ['180p', 'audio']);
      expect(streamKinds).toEqual(['video', 'audio']);
      expect(complaints).toBe('');
    } catch (error) {
      throw new Error(`the client said:\n${publisher.output}`, { cause: error });
    } finally {
      await publisher.stop();
    }
    await untilEnded('gstreamer');
  });
});
