// A broadcast from frames to HTTP with a real ffmpeg: what players, CDNs and recordings get. The
// frames are those that a WHIP session would deliver; the checks are made by ffmpeg and hls-parser.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { StreamList } from '@shoal/ingest/protocol';
import * as HLS from 'hls-parser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeAndDiscard, decoderComplaints } from '../support/decoder-complaints.ts';
import { makeFrames, playFrames, shifted } from '../support/frame-source.ts';
import {
  type IngestForTest,
  publisherForTest,
  startIngestForTest,
  streamId,
} from '../support/ingest-for-test.ts';
import { pollUntil } from '../support/poll-until.ts';

const run = promisify(execFile);
const source = { widthPx: 640, heightPx: 360, frameRate: 25, durationSeconds: 9, startTimeMs: 0 };

interface MediaSegment {
  readonly url: string;
  readonly digest: string;
  readonly durationSeconds: number;
  readonly sequenceNumber: number;
  readonly programDateTimeMs: number;
  readonly initUrl: string;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function bytesOf(url: string): Promise<Buffer> {
  const response = await fetch(url);
  expect(response.status, url).toBe(200);
  return Buffer.from(await response.arrayBuffer());
}

async function textOf(url: string): Promise<string> {
  return (await bytesOf(url)).toString();
}

function parseMultivariant(text: string): HLS.types.MasterPlaylist {
  const playlist = HLS.parse(text);
  if (!(playlist instanceof HLS.types.MasterPlaylist))
    throw new Error('not a multivariant playlist');
  return playlist;
}

function parseMedia(text: string): HLS.types.MediaPlaylist {
  const playlist = HLS.parse(text);
  if (!(playlist instanceof HLS.types.MediaPlaylist)) throw new Error('not a media playlist');
  return playlist;
}

function segmentsOf(playlistUrl: string, text: string): MediaSegment[] {
  const digests = [...text.matchAll(/#EXT-X-SHOAL-DIGEST:SHA256=([0-9a-f]{64})[^\n]*\n#EXTINF/g)];
  return parseMedia(text).segments.map((segment, index) => ({
    url: new URL(segment.uri, playlistUrl).href,
    digest: digests[index]?.[1] ?? '',
    durationSeconds: segment.duration,
    sequenceNumber: segment.mediaSequenceNumber,
    programDateTimeMs: segment.programDateTime?.getTime() ?? Number.NaN,
    initUrl: new URL(segment.map?.uri ?? '', playlistUrl).href,
  }));
}

interface ProbedFrame {
  readonly pts_time: string;
  readonly pict_type: string;
  readonly key_frame: number;
}

/** The pictures of a segment behind its init section, as ffprobe decodes them. */
async function picturesOf(segment: MediaSegment, directory: string): Promise<ProbedFrame[]> {
  const file = path.join(directory, 'segment.mp4');
  await writeFile(file, [await bytesOf(segment.initUrl), await bytesOf(segment.url)]);
  const entries = ['-select_streams', 'v', '-show_entries', 'frame=pts_time,pict_type,key_frame'];
  const { stdout, stderr } = await run('ffprobe', [
    '-v',
    'warning',
    ...entries,
    '-of',
    'json',
    file,
  ]);
  expect(stderr).toBe('');
  return JSON.parse(stdout).frames;
}

describe('a broadcast that has ended', () => {
  let house: IngestForTest;
  let scratch: string;
  let startTimeMs: number;

  beforeAll(async () => {
    house = await startIngestForTest();
    scratch = await mkdtemp(path.join(os.tmpdir(), 'shoal-scratch-'));
    startTimeMs = Date.now();
    const frames = await makeFrames({ ...source, startTimeMs });
    const sink = house.ingest.openBroadcast(streamId('demo'), publisherForTest());
    await playFrames(frames, (frame) => sink.writeFrame(frame), { speed: 4 });
    await sink.close('deleted');
  });

  afterAll(async () => {
    await house.close();
    await rm(scratch, { recursive: true, force: true });
  });

  const url = (pathName: string): string => `${house.ingest.url}${pathName}`;
  const renditionSegments = async (name: string): Promise<MediaSegment[]> => {
    const playlistUrl = url(`/live/demo/${name}/index.m3u8`);
    return segmentsOf(playlistUrl, await textOf(playlistUrl));
  };

  it('announces every rendition, highest first, with what its media really are', async () => {
    const { variants } = parseMultivariant(await textOf(url('/live/demo/index.m3u8')));
    expect(variants.map(({ uri }) => uri)).toEqual(['360p/index.m3u8', '180p/index.m3u8']);
    const streamsOf = async (rendition: string) => {
      const [first] = await renditionSegments(rendition);
      if (first === undefined) throw new Error('no segment');
      const file = path.join(scratch, 'init.mp4');
      await writeFile(file, [await bytesOf(first.initUrl), await bytesOf(first.url)]);
      const entries = 'stream=codec_name,profile,level,width,height,channels';
      const probing = ['-v', 'error', '-show_entries', entries, '-of', 'json', file];
      return JSON.parse((await run('ffprobe', probing)).stdout).streams;
    };
    expect(await streamsOf('audio')).toMatchObject([
      { codec_name: 'aac', profile: 'LC', channels: 2 },
    ]);
    for (const variant of variants) {
      expect(variant.audio).toMatchObject([
        { uri: 'audio/index.m3u8', isDefault: true, channels: '2' },
      ]);
      const streams = await streamsOf(variant.uri.split('/')[0] ?? '');
      expect(streams).toHaveLength(1);
      const [video] = streams;
      expect(variant.resolution).toEqual({ width: video.width, height: video.height });
      const level = Number(video.level).toString(16).padStart(2, '0');
      expect(video.profile).toBe('Main');
      expect(variant.codecs).toMatch(new RegExp(`^avc1\\.4d[0-9a-f]{2}${level},mp4a\\.40\\.2$`));
      expect(variant.frameRate).toBeCloseTo(source.frameRate, 0);
    }
  });

  it('never has a segment whose bit rate is above the announced one', async () => {
    const { variants } = parseMultivariant(await textOf(url('/live/demo/index.m3u8')));
    const bitsOf = async (segment: MediaSegment | undefined) =>
      (await bytesOf(segment?.url ?? '')).length * 8;
    const sound = await renditionSegments('audio');
    for (const variant of variants) {
      const pictures = await renditionSegments(variant.uri.split('/')[0] ?? '');
      for (const [index, segment] of pictures.entries()) {
        if (segment.durationSeconds < 1) continue;
        const bits = (await bitsOf(segment)) + (await bitsOf(sound[index]));
        expect(bits / segment.durationSeconds).toBeLessThanOrEqual(variant.bandwidth);
      }
    }
  });

  it('cuts all renditions alike, at keyframes of the target duration', async () => {
    const [high, low] = [await renditionSegments('360p'), await renditionSegments('180p')];
    expect(high.length).toBe(5);
    const times = (segments: MediaSegment[]) =>
      segments.map(({ sequenceNumber, durationSeconds, programDateTimeMs }) => ({
        ...{ sequenceNumber, durationSeconds, programDateTimeMs },
      }));
    expect(times(low)).toEqual(times(high));
    expect(high.slice(0, -1).every(({ durationSeconds }) => durationSeconds === 2)).toBe(true);
    for (const segment of [...high, ...low]) {
      const [first] = await picturesOf(segment, scratch);
      expect(first).toMatchObject({ pict_type: 'I', key_frame: 1 });
    }
  });

  it('cuts the sound where the pictures are cut, to half a frame of sound', async () => {
    const [pictures, sound] = [await renditionSegments('360p'), await renditionSegments('audio')];
    expect(sound.map(({ sequenceNumber }) => sequenceNumber)).toEqual(
      pictures.map(({ sequenceNumber }) => sequenceNumber),
    );
    for (const [index, segment] of sound.entries()) {
      const [beside, next] = [pictures[index], sound[index + 1]];
      const distanceMs = segment.programDateTimeMs - (beside?.programDateTimeMs ?? 0);
      // 1024 samples at 48 kHz are 21.3 ms; the tag has whole milliseconds.
      expect(Math.abs(distanceMs)).toBeLessThanOrEqual(11.7);
      if (next === undefined) continue;
      const endMs = segment.programDateTimeMs + segment.durationSeconds * 1000;
      expect(Math.abs(next.programDateTimeMs - endMs)).toBeLessThanOrEqual(1);
    }
    const file = path.join(scratch, 'sound.mp4');
    await writeFile(file, await bytesOf(sound[0]?.initUrl ?? ''));
    for (const { url: each } of sound) await appendFile(file, await bytesOf(each));
    const entries = ['-show_entries', 'packet=pts,duration', '-of', 'json', file];
    const { stdout, stderr } = await run('ffprobe', ['-v', 'warning', ...entries]);
    expect(stderr).toBe('');
    const packets: { pts: number; duration: number }[] = JSON.parse(stdout).packets;
    expect(packets.map(({ pts }) => pts)).toEqual(packets.map((_, index) => index * 1024));
    const seconds = (packets.length * 1024) / 48_000;
    expect(Math.abs(seconds - source.durationSeconds)).toBeLessThan(0.1);
  });

  it('keeps every captured picture once and at its own time', async () => {
    const segments = await renditionSegments('180p');
    const pictures: number[] = [];
    for (const segment of segments) {
      const found = await picturesOf(segment, scratch);
      pictures.push(...found.map((frame) => Number(frame.pts_time)));
    }
    expect(pictures.length).toBe(source.durationSeconds * source.frameRate);
    pictures.forEach((time, index) => {
      expect(Math.abs(time - index / source.frameRate)).toBeLessThan(0.002);
    });
  });

  it('tells the time of capture of each segment', async () => {
    const segments = await renditionSegments('360p');
    segments.forEach(({ programDateTimeMs }, index) => {
      expect(Math.abs(programDateTimeMs - (startTimeMs + index * 2000))).toBeLessThanOrEqual(2);
    });
  });

  it('decodes from end to end in ffmpeg without a complaint, with sound', async () => {
    for (const name of ['index.m3u8', 'audio/index.m3u8']) {
      const input = ['-i', url(`/live/demo/${name}`)];
      const filter = ['-af', 'volumedetect', ...decodeAndDiscard];
      const { stderr } = await run('ffmpeg', [
        '-hide_banner',
        '-loglevel',
        'level+info',
        ...input,
        ...filter,
      ]);
      expect(stderr.split('\n').filter((line) => /\[(error|fatal|warning)\]/.test(line))).toEqual(
        [],
      );
      const meanVolume = /mean_volume: (-?[\d.]+) dB/.exec(stderr)?.[1];
      expect(Number(meanVolume)).toBeGreaterThan(-40);
    }
    expect(await decoderComplaints(url('/live/demo/180p/index.m3u8'), 'warning')).toBe('');
  });

  it.each(['360p', 'audio'])(
    'gives the digest of each segment and of the init section: %s',
    async (name) => {
      const playlistUrl = url(`/live/demo/${name}/index.m3u8`);
      const text = await textOf(playlistUrl);
      const segments = segmentsOf(playlistUrl, text);
      for (const segment of segments)
        expect(sha256(await bytesOf(segment.url))).toBe(segment.digest);
      const map = /#EXT-X-SHOAL-MAP-DIGEST:SHA256=([0-9a-f]{64})\n#EXT-X-MAP/.exec(text)?.[1];
      expect(sha256(await bytesOf(segments[0]?.initUrl ?? ''))).toBe(map);
    },
  );

  it('ends its live playlists and never breaks the target duration', async () => {
    for (const name of ['360p', '180p', 'audio']) {
      const playlist = parseMedia(await textOf(url(`/live/demo/${name}/index.m3u8`)));
      expect(playlist.endlist).toBe(true);
      expect(playlist.targetDuration).toBe(2);
      for (const { duration } of playlist.segments)
        expect(Math.round(duration)).toBeLessThanOrEqual(2);
    }
  });

  it('becomes a recording that plays like the broadcast', async () => {
    const list: StreamList = JSON.parse(await textOf(url('/api/v1/streams')));
    const [recording] = list.recordings;
    expect(recording).toMatchObject({ stream: 'demo' });
    expect(recording?.durationSeconds).toBeCloseTo(source.durationSeconds, 1);
    const multivariantUrl = recording?.playlistUrl ?? '';
    const [variant] = parseMultivariant(await textOf(multivariantUrl)).variants;
    const mediaUrl = new URL(variant?.uri ?? '', multivariantUrl).href;
    const text = await textOf(mediaUrl);
    expect(parseMedia(text)).toMatchObject({ endlist: true, playlistType: 'VOD' });
    const recorded = segmentsOf(mediaUrl, text);
    expect(recorded.map(({ digest }) => digest)).toEqual(
      (await renditionSegments('360p')).map(({ digest }) => digest),
    );
    for (const segment of recorded) expect(sha256(await bytesOf(segment.url))).toBe(segment.digest);
    expect(await decoderComplaints(multivariantUrl, 'warning')).toBe('');
    expect(variant?.audio).toMatchObject([{ uri: 'audio/index.m3u8' }]);
    const soundUrl = new URL('audio/index.m3u8', multivariantUrl).href;
    const sound = segmentsOf(soundUrl, await textOf(soundUrl));
    expect(sound.map(({ digest }) => digest)).toEqual(
      (await renditionSegments('audio')).map(({ digest }) => digest),
    );
    expect(recording?.renditions.map(({ name, codecs }) => [name, codecs])).toEqual([
      ['360p', variant?.codecs],
      ['180p', expect.stringContaining(',mp4a.40.2')],
    ]);
  });

  it('keeps the recording over a restart', async () => {
    const before: StreamList = JSON.parse(await textOf(url('/api/v1/streams')));
    const second = await startIngestForTest({ dataDirectory: house.directory });
    try {
      const after: StreamList = JSON.parse(await textOf(`${second.ingest.url}/api/v1/streams`));
      expect(after.recordings.map(({ id }) => id)).toEqual(before.recordings.map(({ id }) => id));
      const [recording] = after.recordings;
      expect(await decoderComplaints(recording?.playlistUrl ?? '', 'warning')).toBe('');
    } finally {
      await second.ingest.close('test ended');
    }
  });
});

describe('a broadcast that runs', () => {
  let house: IngestForTest;

  beforeAll(async () => {
    house = await startIngestForTest({ store: 'memory', dvrSeconds: 10 });
  });

  afterAll(() => house.close());

  it('answers a blocking reload when the segment appears, in time', async () => {
    const frames = await makeFrames({ ...source, durationSeconds: 8, startTimeMs: Date.now() });
    const publisher = publisherForTest();
    const sink = house.ingest.openBroadcast(streamId('demo'), publisher);
    const playlistUrl = `${house.ingest.url}/live/demo/180p/index.m3u8`;
    expect((await fetch(playlistUrl)).status).toBe(404);
    const lateMs = Date.now() - (frames[0]?.captureTimeMs ?? 0);
    const playing = playFrames(shifted(frames, lateMs), (frame) => sink.writeFrame(frame), {
      speed: 1,
    });
    await pollUntil(async () => (await fetch(playlistUrl)).status === 200, {
      timeoutMs: 20_000,
      description: 'the first segment is listed',
    });
    const tooFar = await fetch(`${playlistUrl}?_HLS_msn=9`);
    expect(tooFar.status).toBe(400);
    expect(tooFar.headers.get('content-type')).toContain('application/problem+json');
    const delaysMs: number[] = [];
    for (const number of [1, 2]) {
      const text = await textOf(`${playlistUrl}?_HLS_msn=${number}`);
      const last = segmentsOf(playlistUrl, text).at(-1);
      if (last === undefined) throw new Error('an empty playlist was listed');
      expect(last.sequenceNumber).toBe(number);
      delaysMs.push(Date.now() - last.programDateTimeMs - last.durationSeconds * 1000);
    }
    // It is held until then and no longer: an unheld answer would come seconds early.
    for (const delayMs of delaysMs) {
      expect(delayMs).toBeGreaterThan(0);
      expect(delayMs).toBeLessThan(1_500);
    }
    const held = fetch(`${playlistUrl}?_HLS_msn=4`);
    await playing;
    await sink.close('deleted');
    expect(await (await held).text()).toContain('#EXT-X-ENDLIST');
    expect(publisher.closeReasons).toEqual([]);
  });

  it('gives the next broadcast new URLs and higher numbers', async () => {
    const playlistUrl = `${house.ingest.url}/live/demo/360p/index.m3u8`;
    const before = segmentsOf(playlistUrl, await textOf(playlistUrl));
    const beforeText = await textOf(playlistUrl);
    const frames = await makeFrames({ ...source, durationSeconds: 3, startTimeMs: Date.now() });
    const sink = house.ingest.openBroadcast(streamId('demo'), publisherForTest());
    expect((await fetch(playlistUrl)).status).toBe(404);
    await playFrames(frames, (frame) => sink.writeFrame(frame), { speed: 4 });
    await sink.close('deleted');
    const text = await textOf(playlistUrl);
    const after = segmentsOf(playlistUrl, text);
    expect(after[0]?.sequenceNumber).toBe((before.at(-1)?.sequenceNumber ?? 0) + 1);
    expect(parseMedia(text).discontinuitySequenceBase).toBeGreaterThan(
      parseMedia(beforeText).discontinuitySequenceBase ?? 0,
    );
    const urls = new Set(before.map(({ url }) => url));
    expect(after.some(({ url }) => urls.has(url))).toBe(false);
    const list: StreamList = JSON.parse(await textOf(`${house.ingest.url}/api/v1/streams`));
    expect(list.recordings).toEqual([]);
  });

  it.each([
    { media: { hasVideo: true, hasAudio: false }, codecs: /^avc1\.\w+$/ },
    { media: { hasVideo: false, hasAudio: true }, codecs: /^mp4a\.40\.2$/ },
    { media: { hasVideo: true, hasAudio: true }, sent: { hasAudio: false }, codecs: /^avc1\.\w+$/ },
    {
      media: { hasVideo: true, hasAudio: true },
      sent: { videoCodec: 'vp8' as const },
      codecs: /^avc1\.\w+,mp4a/,
    },
  ])('plays $media with $sent', async ({ media, sent, codecs }) => {
    const frames = await makeFrames({
      ...{ ...source, durationSeconds: 5, startTimeMs: Date.now() },
      ...media,
      ...sent,
    });
    const sink = house.ingest.openBroadcast(streamId('kinds'), publisherForTest(media));
    await playFrames(frames, (frame) => sink.writeFrame(frame), { speed: 2 });
    await sink.close('deleted');
    const multivariantUrl = `${house.ingest.url}/live/kinds/index.m3u8`;
    const [variant] = parseMultivariant(await textOf(multivariantUrl)).variants;
    expect(variant?.codecs).toMatch(codecs);
    const mediaUrl = new URL(variant?.uri ?? '', multivariantUrl).href;
    const segments = segmentsOf(mediaUrl, await textOf(mediaUrl));
    const totalSeconds = segments.reduce((sum, segment) => sum + segment.durationSeconds, 0);
    expect(Math.abs(totalSeconds - 5)).toBeLessThan(0.15);
    expect(await decoderComplaints(multivariantUrl, 'warning')).toBe('');
    const hasBoth = codecs.source.includes(',');
    expect(variant?.audio.length).toBe(hasBoth ? 1 : 0);
  });
});

describe('a store in memory', () => {
  it('keeps what is listed and as much again, and forgets the rest', async () => {
    const house = await startIngestForTest({ store: 'memory', segmentSeconds: 1, dvrSeconds: 1 });
    try {
      const frames = await makeFrames({
        ...{ widthPx: 160, heightPx: 90, frameRate: 10, durationSeconds: 16 },
        ...{ startTimeMs: Date.now(), hasAudio: false },
      });
      const media = { hasVideo: true, hasAudio: false };
      const sink = house.ingest.openBroadcast(streamId('demo'), publisherForTest(media));
      await playFrames(frames, (frame) => sink.writeFrame(frame), { speed: 8 });
      await sink.close('deleted');
      const playlistUrl = `${house.ingest.url}/live/demo/180p/index.m3u8`;
      const listed = segmentsOf(playlistUrl, await textOf(playlistUrl));
      const numbers = listed.map(({ sequenceNumber }) => sequenceNumber);
      expect(numbers.at(-1)).toBe(15);
      expect([6, 7]).toContain(numbers.length);
      const firstListed = 16 - numbers.length;
      for (const { url, digest } of listed) expect(sha256(await bytesOf(url))).toBe(digest);
      const statusOf = async (number: number) =>
        (await fetch(listed[0]?.url.replace(/\d+\.m4s$/, `${number}.m4s`) ?? '')).status;
      expect(await statusOf(firstListed - 5)).toBe(200);
      expect(await statusOf(1)).toBe(404);
      expect(await statusOf(0)).toBe(404);
    } finally {
      await house.close();
    }
  });
});
