// A publisher that vanishes and an encoder that dies, with a real ffmpeg: the same playlists go on,
// and every poll of them stands against the RFC and against the polls before.

import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { type IntegrityKey, SegmentVerifier, type StreamList } from '@shoal/ingest/protocol';
import * as HLS from 'hls-parser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decoderComplaints } from '../support/decoder-complaints.ts';
import { makeFrames, playFrames, shifted } from '../support/frame-source.ts';
import {
  type IngestForTest,
  publisherForTest,
  startIngestForTest,
  streamId,
} from '../support/ingest-for-test.ts';
import { type CheckedSegment, PlaylistChecker } from '../support/playlist-checker.ts';
import { pollUntil } from '../support/poll-until.ts';

const run = promisify(execFile);
const names = ['360p', '180p', 'audio'] as const;
const source = { widthPx: 640, heightPx: 360, frameRate: 25, durationSeconds: 5, startTimeMs: 0 };

/** Polls all media playlists of a stream until it is stopped. */
class Polling {
  readonly checkers = names.map(() => new PlaylistChecker());
  readonly #origin: string;
  readonly #stream: string;
  readonly #running: Promise<void>;
  #isStopped = false;
  pollCount = 0;

  constructor(origin: string, stream: string) {
    this.#origin = origin;
    this.#stream = stream;
    this.#running = this.#run();
  }

  /** Throws what was wrong with any poll; polls once more at the end. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
    await this.#poll();
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      await this.#poll();
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
  }

  async #poll(): Promise<void> {
    for (const [index, name] of names.entries()) {
      const response = await fetch(`${this.#origin}/live/${this.#stream}/${name}/index.m3u8`);
      const text = await response.text();
      if (response.status === 404) continue;
      expect(response.status).toBe(200);
      HLS.parse(text);
      this.checkers[index]?.check(text);
      this.pollCount += 1;
    }
  }
}

async function stateOf(house: IngestForTest, stream: string): Promise<string | undefined> {
  const response = await fetch(`${house.ingest.url}/api/v1/streams`);
  const list: StreamList = await response.json();
  return list.streams.find(({ id }) => id === stream)?.state;
}

describe('a publisher that vanishes', () => {
  let house: IngestForTest;

  beforeAll(async () => {
    house = await startIngestForTest();
  });

  afterAll(() => house.close());

  it('comes back with another codec and size, without sound, into the same playlists', async () => {
    const stream = streamId('demo');
    const polling = new Polling(house.ingest.url, 'demo');
    const first = await makeFrames({ ...source, startTimeMs: Date.now() });
    const sink = house.ingest.openBroadcast(stream, publisherForTest());
    await playFrames(first, (frame) => sink.writeFrame(frame), { speed: 2 });
    await sink.close('connection-lost');
    expect(await stateOf(house, 'demo')).toBe('reconnecting');
    const playlistUrl = `${house.ingest.url}/live/demo/360p/index.m3u8`;
    expect(await (await fetch(playlistUrl)).text()).not.toContain('#EXT-X-ENDLIST');

    const second = await makeFrames({
      ...{ ...source, widthPx: 320, heightPx: 180, frameRate: 15, durationSeconds: 4 },
      ...{ videoCodec: 'vp8', hasAudio: false, startTimeMs: Date.now() },
    });
    const returned = house.ingest.openBroadcast(
      stream,
      publisherForTest({ hasVideo: true, hasAudio: false }),
    );
    expect(await stateOf(house, 'demo')).toBe('live');
    await playFrames(second, (frame) => returned.writeFrame(frame), { speed: 2 });
    await returned.close('deleted');
    expect(await stateOf(house, 'demo')).toBe('ended');
    await polling.stop();

    expect(polling.pollCount).toBeGreaterThan(10);
    const [high, low, sound] = polling.checkers.map(({ segments }) => segments);
    expect(high?.map(({ discontinuitySequence }) => discontinuitySequence)).toEqual([
      ...[0, 0, 0],
      ...[1, 1],
    ]);
    expect(new Set(high?.map(({ map }) => map)).size).toBe(2);
    expect(low?.map(({ sequenceNumber }) => sequenceNumber)).toEqual(
      high?.map(({ sequenceNumber }) => sequenceNumber),
    );
    const numbersOf = (segments: readonly CheckedSegment[] | undefined) =>
      segments?.map((segment) => [segment.sequenceNumber, segment.discontinuitySequence]);
    expect(numbersOf(sound)).toEqual(numbersOf(high));
    for (const [index, { programDateTimeMs }] of (sound ?? []).entries()) {
      const distanceMs = programDateTimeMs - (high?.[index]?.programDateTimeMs ?? 0);
      expect(Math.abs(distanceMs)).toBeLessThanOrEqual(11.7);
    }
    const seconds = high?.reduce((sum, { durationSeconds }) => sum + durationSeconds, 0);
    expect(seconds).toBeCloseTo(9, 0);
    for (const name of names) {
      expect(await decoderComplaints(`${house.ingest.url}/live/demo/${name}/index.m3u8`)).toBe('');
    }
    const list: StreamList = await (await fetch(`${house.ingest.url}/api/v1/streams`)).json();
    expect(list.recordings).toHaveLength(1);
    expect(list.recordings[0]?.durationSeconds).toBeCloseTo(9, 0);
    expect(await decoderComplaints(list.recordings[0]?.playlistUrl ?? '')).toBe('');
  });

  it('has silence for its sound while it sends none', async () => {
    const playlistUrl = `${house.ingest.url}/live/demo/audio/index.m3u8`;
    const { segments } = new PlaylistChecker().check(await (await fetch(playlistUrl)).text());
    const meanVolumesDb: number[] = [];
    for (const { map, uri } of segments) {
      const [initUri = ''] = map.split(' ');
      const parts = [initUri, uri].map(async (each) =>
        Buffer.from(await (await fetch(new URL(each, playlistUrl))).arrayBuffer()),
      );
      const measuring = run('ffmpeg', ['-i', 'pipe:0', '-af', 'volumedetect', '-f', 'null', '-']);
      measuring.child.stdin?.end(Buffer.concat(await Promise.all(parts)));
      const { stderr } = await measuring;
      meanVolumesDb.push(Number(/mean_volume: (-?[\d.]+) dB/.exec(stderr)?.[1]));
    }
    expect(meanVolumesDb.slice(0, 3).every((volume) => volume > -40)).toBe(true);
    expect(meanVolumesDb.slice(3)).toHaveLength(2);
    expect(meanVolumesDb.slice(3).every((volume) => volume < -80)).toBe(true);
  });

  it('has every segment signed with the key of the API, live and recorded', async () => {
    const read = async (url: string) => (await fetch(url)).text();
    const get = (pathName: string) => read(`${house.ingest.url}${pathName}`);
    const key: IntegrityKey = JSON.parse(await get('/api/v1/integrity-key'));
    const verifier = await SegmentVerifier.create(key.x);
    const list: StreamList = JSON.parse(await get('/api/v1/streams'));
    const recording = list.recordings.find(({ stream }) => stream === 'demo')?.id ?? '';
    const isSigned = (rendition: string, segment: CheckedSegment) =>
      verifier?.verify(
        {
          ...{ stream: 'demo', recording, rendition, digest: segment.digest },
          mediaSequenceNumber: segment.sequenceNumber,
          discontinuitySequence: segment.discontinuitySequence,
          initDigest: segment.map.split(' ')[1] ?? '',
        },
        segment.signature,
      );
    for (const name of names) {
      for (const base of ['/live/demo', `/vod/demo/${recording}`]) {
        const { segments } = new PlaylistChecker().check(await get(`${base}/${name}/index.m3u8`));
        expect(segments).toHaveLength(5);
        for (const segment of segments) {
          expect(await isSigned(name, segment)).toBe(true);
          expect(await isSigned('other', segment)).toBe(false);
        }
      }
    }
  });

  it('that sends sound alone after pictures begins a broadcast of its own', async () => {
    const stream = streamId('kinds');
    const video = await makeFrames({ ...source, durationSeconds: 3, startTimeMs: Date.now() });
    const sink = house.ingest.openBroadcast(stream, publisherForTest());
    await playFrames(video, (frame) => sink.writeFrame(frame), { speed: 4 });
    await sink.close('connection-lost');
    const media = { hasVideo: false, hasAudio: true };
    const sound = await makeFrames({
      ...{ ...source, ...media, durationSeconds: 3, startTimeMs: Date.now() },
    });
    const other = house.ingest.openBroadcast(stream, publisherForTest(media));
    await playFrames(sound, (frame) => other.writeFrame(frame), { speed: 4 });
    await other.close('deleted');
    const text = await (await fetch(`${house.ingest.url}/live/kinds/index.m3u8`)).text();
    expect(text).toContain('audio/index.m3u8');
    expect(text).not.toContain('360p');
  });
});

describe('a publisher that stays away', () => {
  it('has its playlists ended and its recording closed when its time is over', async () => {
    const house = await startIngestForTest({ reconnectSeconds: 1 });
    try {
      const frames = await makeFrames({ ...source, durationSeconds: 3, startTimeMs: Date.now() });
      const sink = house.ingest.openBroadcast(streamId('demo'), publisherForTest());
      await playFrames(frames, (frame) => sink.writeFrame(frame), { speed: 4 });
      // The encoder may need longer for the rest than the publisher has time to come back.
      const drained = sink.close('connection-lost');
      expect(await stateOf(house, 'demo')).toBe('reconnecting');
      await drained;
      await pollUntil(async () => (await stateOf(house, 'demo')) === 'ended', {
        timeoutMs: 15_000,
        description: 'the broadcast ends',
      });
      const text = await (await fetch(`${house.ingest.url}/live/demo/360p/index.m3u8`)).text();
      expect(text).toContain('#EXT-X-ENDLIST');
      await pollUntil(
        async () => {
          const list: StreamList = await (await fetch(`${house.ingest.url}/api/v1/streams`)).json();
          return list.recordings.length === 1;
        },
        { timeoutMs: 5_000, description: 'the recording is closed' },
      );
    } finally {
      await house.close();
    }
  });
});

/** Processes that this one has started and that run ffmpeg for a broadcast. */
async function encoderPids(): Promise<number[]> {
  const found: number[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const status = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '');
    const parent = Number(/^\d+ \(.*\) \S (\d+)/.exec(status)?.[1]);
    const command = await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '');
    if (parent === process.pid && command.includes('matroska')) found.push(Number(entry));
  }
  return found;
}

describe('an encoder that is killed', () => {
  it.runIf(process.platform === 'linux')(
    'is started again without the publisher noticing',
    async () => {
      const house = await startIngestForTest({ store: 'memory' });
      try {
        const polling = new Polling(house.ingest.url, 'demo');
        const publisher = publisherForTest();
        const sink = house.ingest.openBroadcast(streamId('demo'), publisher);
        const made = await makeFrames({ ...source, durationSeconds: 10 });
        const frames = shifted(made, Date.now());
        const playing = playFrames(frames, (frame) => sink.writeFrame(frame), { speed: 1 });
        await pollUntil(() => (polling.checkers[0]?.segments.length ?? 0) >= 2, {
          timeoutMs: 15_000,
          description: 'two segments are listed',
        });
        const [pid] = await encoderPids();
        if (pid === undefined) throw new Error('there is no encoder');
        process.kill(pid, 'SIGKILL');
        await playing;
        await sink.close('deleted');
        await polling.stop();
        expect(publisher.closeReasons).toEqual([]);
        for (const { segments } of polling.checkers) {
          expect(segments.at(-1)?.discontinuitySequence).toBe(1);
          const seconds = segments.reduce((sum, { durationSeconds }) => sum + durationSeconds, 0);
          expect(seconds).toBeGreaterThan(10 - 2 * 2);
          expect(seconds).toBeLessThan(10.2);
        }
        for (const name of names) {
          expect(await decoderComplaints(`${house.ingest.url}/live/demo/${name}/index.m3u8`)).toBe(
            '',
          );
        }
      } finally {
        await house.close();
      }
    },
  );
});
