// A source that does not behave: its picture changes and stalls, its sound goes away, its encoder dies.
// A real ffmpeg makes the playlists, ffmpeg and our own checker read them.

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { StreamList } from '@shoal/ingest/protocol';
import isoBoxer from 'codem-isoboxer';
import { describe, expect, it } from 'vitest';
import type { EncodedFrame } from '../../ingest/rtp/encoded-frame.ts';
import { makeFrames, playFrames } from '../support/frame-source.ts';
import { publisherForTest, startIngestForTest, streamId } from '../support/ingest-for-test.ts';
import { PlaylistChecker } from '../support/playlist-checker.ts';
import { pollUntil } from '../support/poll-until.ts';

const run = promisify(execFile);
const source = { widthPx: 640, heightPx: 360, frameRate: 25, durationSeconds: 9, startTimeMs: 0 };

async function textOf(url: string): Promise<string> {
  const response = await fetch(url);
  expect(response.status, url).toBe(200);
  return response.text();
}

describe('the source', () => {
  it('may change its size and may do without pictures: the sound goes on, and the last keyframe', async () => {
    const house = await startIngestForTest({ store: 'memory' });
    try {
      const startTimeMs = Date.now();
      const large = await makeFrames({ ...source, durationSeconds: 3, startTimeMs });
      const small = await makeFrames({
        ...{ ...source, widthPx: 320, heightPx: 180, durationSeconds: 3 },
        startTimeMs: startTimeMs + 3_000,
      });
      // The same source again, after four seconds in which only sound came.
      const again = await makeFrames({
        ...{ ...source, durationSeconds: 3, startTimeMs: startTimeMs + 10_000 },
      });
      const sound = await makeFrames({
        ...{ ...source, hasVideo: false, durationSeconds: 4, startTimeMs: startTimeMs + 6_000 },
      });
      // It goes on in the middle of a group of pictures.
      const isFirst = (frame: EncodedFrame) => frame === again.find(({ kind }) => kind === 'video');
      const publisher = publisherForTest();
      const sink = house.ingest.openBroadcast(streamId('demo'), publisher);
      const frames = [...large, ...small, ...sound, ...again.filter((frame) => !isFirst(frame))];
      await playFrames(frames, (frame) => sink.writeFrame(frame), { speed: 3 });
      await sink.close('deleted');
      expect(publisher.closeReasons).toEqual([]);
      expect(publisher.keyframeRequests).toBeGreaterThan(0);
      const texts: string[] = [];
      const soundUrl = `${house.ingest.url}/live/demo/audio/index.m3u8`;
      const heard = new PlaylistChecker().check(await textOf(soundUrl)).segments;
      const detect = ['-af', 'silencedetect=n=-60dB:d=0.1', '-f', 'null', '-'];
      const { stderr: listened } = await run('ffmpeg', ['-v', 'info', '-i', soundUrl, ...detect]);
      expect(listened).not.toMatch(/silence_start|error/i);
      for (const { uri, durationSeconds } of heard) {
        const bytes = await (await fetch(new URL(uri, soundUrl))).arrayBuffer();
        const frameCount = isoBoxer.parseBuffer(bytes).fetchAll('trun')[0]?.samples.length ?? 0;
        expect(Math.abs((frameCount * 1024) / 48_000 - durationSeconds)).toBeLessThan(0.022);
      }
      for (const name of ['360p', '180p']) {
        const playlistUrl = `${house.ingest.url}/live/demo/${name}/index.m3u8`;
        const text = await textOf(playlistUrl);
        texts.push(text.replaceAll(/SHA256=.*/g, ''));
        const { segments, targetDurationSeconds } = new PlaylistChecker().check(text);
        expect(targetDurationSeconds).toBe(2);
        for (const [index, { programDateTimeMs }] of segments.entries()) {
          const distanceMs = programDateTimeMs - (heard[index]?.programDateTimeMs ?? 0);
          expect(Math.abs(distanceMs)).toBeLessThanOrEqual(11.7);
        }
        // There is no hole.
        const seconds = segments.reduce((sum, { durationSeconds }) => sum + durationSeconds, 0);
        expect(seconds).toBeCloseTo(13, 1);
        const { stderr, stdout } = await run('ffprobe', [
          ...['-v', 'error', '-select_streams', 'v', '-count_frames'],
          ...['-show_entries', 'stream=nb_read_frames', '-of', 'csv=p=0', playlistUrl],
        ]);
        expect(stderr).toBe('');
        // All that could be decoded, and one each 0.3 s from 5.96 s until the keyframe at 11 s.
        expect(Number.parseInt(stdout, 10)).toBe(8 * source.frameRate + 15);
      }
      expect(texts[1]).toBe(texts[0]);
    } finally {
      await house.close();
    }
  });

  it('is heard when it is seen', async () => {
    const house = await startIngestForTest({ store: 'memory' });
    try {
      const isOn = 'lt(mod(t,1),0.2)';
      const black = 'color=black:size=320x180:rate=25:duration=5';
      const frames = await makeFrames({
        ...{ ...source, widthPx: 320, heightPx: 180, durationSeconds: 5, startTimeMs: Date.now() },
        videoInput: `${black},drawbox=color=white:t=fill:enable='${isOn}'`,
        audioInput: `sine=frequency=1000:sample_rate=48000:duration=5,volume='${isOn}':eval=frame`,
      });
      const sink = house.ingest.openBroadcast(streamId('demo'), publisherForTest());
      await playFrames(frames, (frame) => sink.writeFrame(frame), { speed: 4 });
      await sink.close('deleted');
      const filters = ['-vf', 'blackdetect=d=0.1:pix_th=0.5', '-af', 'silencedetect=n=-30dB:d=0.1'];
      const input = ['-i', `${house.ingest.url}/live/demo/index.m3u8`];
      const output = [...filters, '-f', 'null', '-'];
      const { stderr } = await run('ffmpeg', ['-hide_banner', ...input, ...output]);
      const timesOf = (pattern: RegExp) =>
        [...stderr.matchAll(pattern)]
          .map(([, seconds]) => Number(seconds))
          .filter((at) => at < 4.9);
      const flashes = timesOf(/black_end:([\d.]+)/g);
      const tones = timesOf(/silence_end: ([\d.]+)/g);
      expect(flashes.map(Math.round)).toEqual([1, 2, 3, 4]);
      expect(tones).toHaveLength(flashes.length);
      for (const [index, at] of flashes.entries()) {
        expect(Math.abs((tones[index] ?? 0) - at)).toBeLessThan(0.03);
      }
    } finally {
      await house.close();
    }
  });

  it('may lose its sound for a while: pictures go on, and silence with them', async () => {
    const house = await startIngestForTest({ store: 'memory' });
    try {
      const startTimeMs = Date.now();
      const pictures = await makeFrames({
        ...{ ...source, durationSeconds: 12, hasAudio: false, startTimeMs },
      });
      const sound = await makeFrames({
        ...source,
        durationSeconds: 12,
        hasVideo: false,
        startTimeMs,
      });
      const isHeard = (atMs: number) => atMs < startTimeMs + 3_000 || atMs >= startTimeMs + 9_000;
      const frames = [...pictures, ...sound.filter(({ captureTimeMs }) => isHeard(captureTimeMs))];
      const inOrder = frames.toSorted((a, b) => a.captureTimeMs - b.captureTimeMs);
      const sink = house.ingest.openBroadcast(streamId('demo'), publisherForTest());
      const stalled = inOrder.filter(({ captureTimeMs }) => captureTimeMs < startTimeMs + 9_000);
      const soundUrl = `${house.ingest.url}/live/demo/audio/index.m3u8`;
      await playFrames(stalled, (frame) => sink.writeFrame(frame), { speed: 3 });
      // Three segments end in the stall, before anybody knows that sound will come back.
      await pollUntil(async () => (await textOf(soundUrl)).includes('/2.m4s'), {
        timeoutMs: 10_000,
        description: 'segments are listed while there is no sound',
      });
      const back = inOrder.slice(stalled.length);
      await playFrames(back, (frame) => sink.writeFrame(frame), { speed: 3 });
      await sink.close('deleted');
      const { segments } = new PlaylistChecker().check(await textOf(soundUrl));
      expect(segments).toHaveLength(6);
      const detect = ['-af', 'silencedetect=n=-60dB:d=0.5', '-f', 'null', '-'];
      const { stderr } = await run('ffmpeg', ['-hide_banner', '-i', soundUrl, ...detect]);
      const at = (name: string) => Number(new RegExp(`${name}: ([\\d.]+)`).exec(stderr)?.[1]);
      expect(at('silence_start')).toBeCloseTo(3, 0);
      expect(at('silence_end')).toBeCloseTo(9, 0);
    } finally {
      await house.close();
    }
  });

  it('whose encoder dies again and again has its session closed and its playlists ended', async () => {
    const scratch = await mkdtemp(path.join(os.tmpdir(), 'shoal-scratch-'));
    const ffmpegPath = path.join(scratch, 'ffmpeg');
    const script = '#!/bin/sh\ncase "$*" in *matroska*) exit 1 ;; *) exec ffmpeg "$@" ;; esac\n';
    await writeFile(ffmpegPath, script, { mode: 0o755 });
    const house = await startIngestForTest({ store: 'memory', ffmpegPath });
    try {
      const publisher = publisherForTest();
      const sink = house.ingest.openBroadcast(streamId('demo'), publisher);
      const frames = await makeFrames({ ...source, durationSeconds: 8, startTimeMs: Date.now() });
      await playFrames(frames, (frame) => sink.writeFrame(frame), { speed: 4 });
      expect(publisher.closeReasons).toEqual(['broadcast-failed']);
      await sink.close('broadcast-failed');
      const list: StreamList = JSON.parse(await textOf(`${house.ingest.url}/api/v1/streams`));
      expect(list.streams).toMatchObject([{ id: 'demo', state: 'ended', renditions: [] }]);
    } finally {
      await house.close();
      await rm(scratch, { recursive: true, force: true });
    }
  });
});
