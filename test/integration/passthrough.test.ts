// The publisher's own H.264 as the top rendition: not a bit of its pictures is changed, the encoded
// renditions below have the same segments, and what cannot be passed through is encoded instead.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseEnvironment } from '../../ingest/environment.ts';
import type { EncodedFrame } from '../../ingest/rtp/encoded-frame.ts';
import { launchChromium, publishFrom } from '../support/chromium-publisher.ts';
import {
  type FrameSourceOptions,
  makeFrames,
  playFrames,
  shifted,
} from '../support/frame-source.ts';
import {
  type IngestForTest,
  publisherForTest,
  smallLadder,
  startIngestForTest,
  streamId,
} from '../support/ingest-for-test.ts';
import { type CheckedSegment, PlaylistChecker } from '../support/playlist-checker.ts';
import { pollUntil } from '../support/poll-until.ts';

const run = promisify(execFile);
const media = { widthPx: 320, heightPx: 240, frameRate: 30, durationSeconds: 7, startTimeMs: 0 };
const ladder = [
  ...parseEnvironment({ SHOAL_LADDER: 'source' }).SHOAL_LADDER,
  ...smallLadder, // 360p is larger than the source
];

let house: IngestForTest;

beforeEach(async () => {
  house = await startIngestForTest({ ladder });
});

afterEach(() => house.close());

/** Broadcasts the frames at four times their pace and ends. */
async function broadcast(frames: readonly EncodedFrame[]): Promise<void> {
  const sink = house.ingest.openBroadcast(streamId('demo'), publisherForTest());
  const startedMs = Date.now();
  await playFrames(shifted(frames, startedMs), (frame) => sink.writeFrame(frame), { speed: 4 });
  await sink.close('deleted');
}

interface ListedRendition {
  readonly segments: readonly CheckedSegment[];
  readonly url: string;
}

async function renditionOf(name: string): Promise<ListedRendition> {
  const url = `${house.ingest.url}/live/demo/${name}/index.m3u8`;
  const response = await fetch(url);
  const { segments } = new PlaylistChecker().check(await response.text());
  return { segments, url };
}

async function bytesOf({ url }: ListedRendition, uri: string): Promise<Buffer> {
  return Buffer.from(await (await fetch(new URL(uri, url))).arrayBuffer());
}

/** Every segment behind its init section. */
async function mediaOf(rendition: ListedRendition): Promise<Buffer[]> {
  return await Promise.all(
    rendition.segments.map(async ({ uri, map }) =>
      Buffer.concat([
        await bytesOf(rendition, map.split(' ')[0] ?? ''),
        await bytesOf(rendition, uri),
      ]),
    ),
  );
}

interface Probed {
  readonly frames: readonly {
    readonly pts_time: string;
    readonly key_frame: number;
    readonly width: number;
  }[];
}

async function picturesOf(segment: Buffer): Promise<Probed['frames']> {
  const entries = 'frame=pts_time,key_frame,width';
  const args = [
    '-v',
    'error',
    '-select_streams',
    'v',
    '-show_entries',
    entries,
    '-of',
    'json',
    '-',
  ];
  const probing = run('ffprobe', args, { maxBuffer: 16 * 1024 * 1024 });
  probing.child.stdin?.end(segment);
  const { stdout, stderr } = await probing;
  expect(stderr).toBe('');
  const { frames }: Probed = JSON.parse(stdout);
  return frames;
}

/** The same segments, times and keyframes in both. */
async function expectAligned(top: ListedRendition, below: ListedRendition): Promise<void> {
  const shape = ({ segments }: ListedRendition) =>
    segments.map((segment) => ({
      number: segment.sequenceNumber,
      discontinuity: segment.discontinuitySequence,
      seconds: segment.durationSeconds.toFixed(3),
      at: segment.programDateTimeMs,
    }));
  expect(shape(below)).toEqual(shape(top));
  const [topMedia, belowMedia] = await Promise.all([mediaOf(top), mediaOf(below)]);
  for (const [index, segment] of topMedia.entries()) {
    const timesOf = async (bytes: Buffer) =>
      (await picturesOf(bytes)).map((frame) => Number(frame.pts_time).toFixed(3));
    const pictures = await picturesOf(segment);
    expect(pictures[0]?.key_frame).toBe(1);
    const encoded = belowMedia[index] ?? Buffer.alloc(0);
    expect((await picturesOf(encoded))[0]?.key_frame).toBe(1);
    expect(await timesOf(encoded)).toEqual(await timesOf(segment));
  }
}

async function multivariant(): Promise<string> {
  return (await fetch(`${house.ingest.url}/live/demo/index.m3u8`)).text();
}

async function frames(options: Partial<FrameSourceOptions>): Promise<EncodedFrame[]> {
  return await makeFrames({ ...media, ...options });
}

describe('a publisher of H.264', () => {
  it('is passed through bit by bit, with the encoded renditions aligned to it', async () => {
    // Keyframes at 1.333 s: segments join what belongs together and stay within the target.
    const source = await frames({ gopSeconds: 4 / 3 });
    await broadcast(source);
    const [top, below] = await Promise.all([renditionOf('source'), renditionOf('180p')]);
    expect(await multivariant()).toMatch(/RESOLUTION=320x240[^\n]*CODECS="avc1\.42[^\n]*\nsource/);
    expect(await multivariant()).not.toContain('360p');
    const bytes = Buffer.concat(await mediaOf(top));
    const pictures = source.filter(({ kind }) => kind === 'video');
    expect(pictures.length).toBe(210);
    for (const { payload } of pictures) expect(bytes.includes(Buffer.from(payload))).toBe(true);
    await expectAligned(top, below);
  });

  it('goes on behind a discontinuity when its size changes', async () => {
    const first = await frames({ durationSeconds: 5 });
    const second = await frames({ durationSeconds: 5, widthPx: 640, heightPx: 480 });
    await broadcast([...first, ...shifted(second, 5_000)]);
    const [top, below] = await Promise.all([renditionOf('source'), renditionOf('180p')]);
    await expectAligned(top, below);
    expect(new Set(top.segments.map((item) => item.discontinuitySequence)).size).toBe(2);
    const widths = new Set<number>();
    for (const segment of await mediaOf(top)) {
      for (const { width } of await picturesOf(segment)) widths.add(width);
    }
    expect([...widths]).toEqual([320, 640]);
    const bytes = Buffer.concat(await mediaOf(top));
    const pictures = [...first, ...second].filter(({ kind }) => kind === 'video');
    for (const { payload } of pictures) expect(bytes.includes(Buffer.from(payload))).toBe(true);
  });

  it('is encoded after all when its keyframes are too rare for the target duration', async () => {
    const source = await frames({ durationSeconds: 16, gopSeconds: 4 });
    await broadcast(source);
    const [top, below] = await Promise.all([renditionOf('source'), renditionOf('180p')]);
    const generations = new Set(top.segments.map((item) => item.discontinuitySequence));
    expect(generations.size).toBe(2);
    const encoded = (rendition: ListedRendition): ListedRendition => ({
      ...rendition,
      segments: rendition.segments.filter((item) => item.discontinuitySequence > 0),
    });
    expect(encoded(top).segments.length).toBeGreaterThanOrEqual(5);
    await expectAligned(encoded(top), encoded(below));
  });
});

describe('Chromium', () => {
  it('gives keyframes where segments begin, over a real connection', async () => {
    const browser = await launchChromium();
    try {
      const page = await browser.newPage();
      await page.goto(`${house.ingest.url}/healthz`);
      const { location } = await publishFrom(page, {
        ...{ endpoint: '/whip/demo', key: 'key-of-the-test', codec: 'h264' },
        ...{ widthPx: 480, heightPx: 360 },
      });
      const count = async (): Promise<number> => {
        const response = await fetch(`${house.ingest.url}/live/demo/source/index.m3u8`);
        return response.ok ? new PlaylistChecker().check(await response.text()).segments.length : 0;
      };
      await pollUntil(async () => (await count()) >= 6, {
        timeoutMs: 60_000,
        description: 'six segments are listed',
      });
      await fetch(new URL(location ?? '', house.ingest.url), { method: 'DELETE' });
    } finally {
      await browser.close();
    }
    const [top, below] = await Promise.all([renditionOf('source'), renditionOf('180p')]);
    await expectAligned(top, below);
    // Chromium changes the size of its pictures by itself; each size has a beginning and an end.
    const inner = top.segments.filter(
      ({ discontinuitySequence }, index) =>
        discontinuitySequence === top.segments[index + 1]?.discontinuitySequence,
    );
    expect(inner.length).toBeGreaterThan(0);
    for (const { durationSeconds } of inner) expect(durationSeconds).toBeGreaterThan(1.6);
  });
});

describe('a publisher that cannot be passed through', () => {
  it.each([
    ['VP8', { videoCodec: 'vp8' }],
    ['pictures in another order than they are shown', { hasReorderedPictures: true }],
  ] as const)('is encoded at its own size: %s', async (_, options) => {
    await broadcast(await frames({ ...options, durationSeconds: 5 }));
    const [top, below] = await Promise.all([renditionOf('source'), renditionOf('180p')]);
    expect(await multivariant()).toMatch(/RESOLUTION=320x240[^\n]*CODECS="avc1\.4d[^\n]*\nsource/);
    await expectAligned(top, below);
  });
});
