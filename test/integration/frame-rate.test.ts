// Sources of 60 pictures a second: large renditions keep them, small ones get every second one,
// and all have the same segments. What the playlist says of it is what ffprobe counts.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeFrames, playFrames } from '../support/frame-source.ts';
import {
  type IngestForTest,
  publisherForTest,
  startIngestForTest,
  streamId,
} from '../support/ingest-for-test.ts';
import { PlaylistChecker } from '../support/playlist-checker.ts';

const run = promisify(execFile);
const sound = { audioBitrateBps: 64_000 };
const ladder = [
  { name: '720p', widthPx: 1280, heightPx: 720, videoBitrateBps: 1_500_000, ...sound },
  { name: '180p', widthPx: 320, heightPx: 180, videoBitrateBps: 200_000, ...sound },
];
const media = { widthPx: 1280, heightPx: 720, durationSeconds: 5 };

let house: IngestForTest;

beforeAll(async () => {
  house = await startIngestForTest({ ladder });
});

afterAll(() => house.close());

async function textOf(path: string): Promise<string> {
  return (await fetch(`${house.ingest.url}/live/demo/${path}`)).text();
}

/** Times of the pictures of a rendition's first segments, in milliseconds. */
async function pictureTimesMs(rendition: string): Promise<number[]> {
  const url = `${house.ingest.url}/live/demo/${rendition}/index.m3u8`;
  const entries = 'packet=pts_time';
  const args = ['-v', 'error', '-select_streams', 'v', '-show_entries', entries, '-of', 'csv=p=0'];
  const { stdout } = await run('ffprobe', [...args, url]);
  const times = stdout.split('\n').flatMap((line) => (line === '' ? [] : Number.parseFloat(line)));
  return times.map((seconds) => Math.round(seconds * 1000));
}

describe('a source of 60 pictures a second', () => {
  it('is halved below 720 lines, with the same segments in all renditions', async () => {
    const frames = await makeFrames({ ...media, frameRate: 60, startTimeMs: Date.now() });
    const sink = house.ingest.openBroadcast(streamId('demo'), publisherForTest());
    await playFrames(frames, (frame) => sink.writeFrame(frame), { speed: 1 });
    await sink.close('deleted');
    const multivariant = await textOf('index.m3u8');
    expect(multivariant).toMatch(/RESOLUTION=1280x720,FRAME-RATE=60\.000[^\n]*\n720p\//);
    expect(multivariant).toMatch(/RESOLUTION=320x180,FRAME-RATE=30\.000[^\n]*\n180p\//);
    // ITU-T H.264 table A-1: 3600 macroblocks 60 times a second are level 3.2, 240 of them 30 times
    // are level 1.3. At 30 and 60 a second they would be 3.1 and 2.1.
    expect(multivariant).toMatch(/CODECS="avc1\.4d[0-9a-f]{2}20,[^\n]*\n720p\//);
    expect(multivariant).toMatch(/CODECS="avc1\.4d[0-9a-f]{2}0d,[^\n]*\n180p\//);
    const [large, small] = await Promise.all(
      ['720p', '180p'].map(async (name) =>
        new PlaylistChecker().check(await textOf(`${name}/index.m3u8`)).segments.map((segment) => ({
          number: segment.sequenceNumber,
          at: segment.programDateTimeMs,
          // The last picture of a segment of the halved one may be left out.
          seconds: Math.round(segment.durationSeconds * 10) / 10,
        })),
      ),
    );
    expect(large?.length).toBeGreaterThanOrEqual(3);
    expect(small).toEqual(large);
    const [all, halved] = await Promise.all(['720p', '180p'].map(pictureTimesMs));
    expect(all?.length).toBe(300);
    // Until the mean distance is known, some more are let through.
    expect(halved?.length).toBeGreaterThanOrEqual(150);
    expect(halved?.length).toBeLessThanOrEqual(165);
    for (const timeMs of halved ?? []) expect(all).toContain(timeMs);
  });
});
