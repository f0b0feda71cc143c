// An encoder that is too slow for its ladder: a real ffmpeg that reads at half the pace of the source
// as long as it has to make the large rendition. That one ends, the others catch up.

import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { StreamDetails } from '@shoal/ingest/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeFrames, playFrames } from '../support/frame-source.ts';
import {
  type IngestForTest,
  publisherForTest,
  startIngestForTest,
  streamId,
} from '../support/ingest-for-test.ts';
import { PlaylistChecker } from '../support/playlist-checker.ts';
import { pollUntil } from '../support/poll-until.ts';

const source = { widthPx: 640, heightPx: 360, frameRate: 25, durationSeconds: 60 };
const slowWhileLarge = `#!/bin/sh
case "$*" in
  *scale=w=640*) exec ffmpeg -readrate 0.5 "$@" ;;
  *) exec ffmpeg "$@" ;;
esac
`;

let directory: string;
let house: IngestForTest;

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'shoal-slow-'));
  const ffmpegPath = path.join(directory, 'slow-ffmpeg');
  await writeFile(ffmpegPath, slowWhileLarge);
  await chmod(ffmpegPath, 0o755);
  house = await startIngestForTest({ ffmpegPath });
});

afterEach(async () => {
  await house.close();
  await rm(directory, { recursive: true });
});

async function textOf(url: string): Promise<string> {
  const response = await fetch(new URL(url, house.ingest.url));
  return response.ok ? await response.text() : '';
}

describe('an encoder that stays behind real time', () => {
  it('does without its most expensive rendition, and the others catch up', async () => {
    const startTimeMs = Date.now();
    const frames = await makeFrames({ ...source, startTimeMs });
    const preparedMs = Date.now() - startTimeMs;
    const sink = house.ingest.openBroadcast(streamId('demo'), publisherForTest());
    const stop = new AbortController();
    const playing = playFrames(frames, (frame) => sink.writeFrame(frame), {
      speed: 1,
      signal: stop.signal,
    });
    const checker = new PlaylistChecker();
    const lastEndMs = async (): Promise<number> => {
      const text = await textOf('/live/demo/180p/index.m3u8');
      const last = text === '' ? undefined : checker.check(text).segments.at(-1);
      return last === undefined ? 0 : last.programDateTimeMs + last.durationSeconds * 1000;
    };
    await pollUntil(
      async () => {
        await lastEndMs();
        return (await textOf('/live/demo/360p/index.m3u8')).includes('#EXT-X-ENDLIST');
      },
      { timeoutMs: 45_000, description: 'the playlist of the large rendition ends' },
    );
    expect(await textOf('/live/demo/index.m3u8')).not.toContain('360p');
    expect(await textOf('/live/demo/index.m3u8')).toContain('180p');
    // What is listed is at most two target durations and a half behind the camera, and stays so.
    await pollUntil(async () => Date.now() - preparedMs - (await lastEndMs()) < 5_000, {
      timeoutMs: 30_000,
      description: 'the other rendition has caught up',
    });
    const details: StreamDetails = JSON.parse(await textOf('/api/v1/streams/demo'));
    expect(details.encoder).toMatchObject({ shedRenditions: 1, restarts: 0 });
    expect(details.renditions.map(({ name }) => name)).toEqual(['180p']);
    expect(await textOf('/metrics')).toContain('shoal_transcoder_shed_renditions_total 1');
    stop.abort();
    await playing;
    await sink.close('deleted');
    // The recording offers what goes from its beginning to its end.
    const { recordings } = JSON.parse(await textOf('/api/v1/streams'));
    const recorded = await textOf(recordings[0].playlistUrl);
    expect(recorded).toContain('180p');
    expect(recorded).not.toContain('360p');
    expect(checker.check(await textOf('/live/demo/180p/index.m3u8')).isEnded).toBe(true);
  });
});
