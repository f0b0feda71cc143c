// The life of recordings after their broadcast: kept over a crash, deleted by the operator, and
// deleted by age.

import { randomBytes } from 'node:crypto';
import type { StreamList } from '@shoal/ingest/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type IngestForTest,
  publisherForTest,
  startIngestForTest,
  streamId,
} from '../support/ingest-for-test.ts';
import { type BroadcastMedia, playBroadcast } from '../support/play-broadcast.ts';
import { pollUntil } from '../support/poll-until.ts';

const adminToken = randomBytes(16).toString('hex');
const media: BroadcastMedia = { widthPx: 160, heightPx: 90, durationSeconds: 5 };

async function listOf(house: IngestForTest): Promise<StreamList> {
  return (await fetch(`${house.ingest.url}/api/v1/streams`)).json();
}

async function statusOf(url: string): Promise<number> {
  const response = await fetch(url);
  await response.arrayBuffer();
  return response.status;
}

describe('a recording', () => {
  let house: IngestForTest;

  beforeEach(async () => {
    house = await startIngestForTest({ adminToken });
    const sink = house.ingest.openBroadcast(streamId('demo'), publisherForTest());
    await playBroadcast(sink, media);
    await sink.close('deleted');
  });

  afterEach(() => house.close());

  it('is deleted by whoever has the admin token, with everything that names it', async () => {
    const [recording] = (await listOf(house)).recordings;
    expect(recording?.sizeBytes).toBeGreaterThan(10_000);
    const url = `${house.ingest.url}/api/v1/recordings/demo/${recording?.id}`;
    const remove = async (authorization?: string) => {
      const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
      const response = await fetch(url, { method: 'DELETE', headers });
      await response.arrayBuffer();
      return response.status;
    };
    expect(await remove()).toBe(401);
    expect(await remove('Bearer wrong')).toBe(403);
    expect(await statusOf(recording?.playlistUrl ?? '')).toBe(200);
    expect(await remove(`Bearer ${adminToken}`)).toBe(204);
    expect(await remove(`Bearer ${adminToken}`)).toBe(404);
    expect(await statusOf(recording?.playlistUrl ?? '')).toBe(404);
    expect(await statusOf(`${house.ingest.url}/live/demo/index.m3u8`)).toBe(404);
    expect(await listOf(house)).toEqual({ streams: [], recordings: [] });
  });

  it('has its first picture as poster', async () => {
    const [recording] = (await listOf(house)).recordings;
    const response = await fetch(recording?.posterUrl ?? '');
    expect(response.headers.get('content-type')).toBe('image/jpeg');
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(bytes.subarray(0, 3).toString('hex')).toBe('ffd8ff');
    // SOF0 of a JPEG: height and width stand behind its length and precision.
    const frame = bytes.indexOf('ffc0', 'hex');
    expect([bytes.readUInt16BE(frame + 7), bytes.readUInt16BE(frame + 5)]).toEqual([160, 90]);
  });

  it('has thumbnails, live and recorded, at the times of their pictures', async () => {
    const sink = house.ingest.openBroadcast(streamId('demo'), publisherForTest());
    await playBroadcast(sink, { ...media, durationSeconds: 23 });
    const cuesOf = async (url: string) => {
      const response = await fetch(url);
      const text = await response.text();
      expect(response.headers.get('content-type')).toBe('text/vtt; charset=utf-8');
      const cues = [...text.matchAll(/^(\S+) --> (\S+)\n(\S+)$/gm)];
      return {
        text,
        cues: cues.map(([, start = '', end = '', uri = '']) => ({ start, end, uri })),
      };
    };
    const live = await pollUntil(
      async () => {
        const url = `${house.ingest.url}/live/demo/thumbnails.vtt`;
        if ((await statusOf(url)) !== 200) return null;
        const track = await cuesOf(url);
        return track.cues.length >= 2 ? { url, ...track } : null;
      },
      { timeoutMs: 20_000, description: 'the live stream has two thumbnails' },
    );
    const playlist = await (await fetch(`${house.ingest.url}/live/demo/180p/index.m3u8`)).text();
    const [, firstDate] = /PROGRAM-DATE-TIME:(\S+)/.exec(playlist) ?? [];
    expect(live.text).toContain(`WEBVTT\nX-PROGRAM-DATE-TIME=${firstDate}\n`);
    await sink.close('deleted');
    const recording = (await listOf(house)).recordings.at(-1);
    const recorded = await cuesOf(recording?.thumbnailsUrl ?? '');
    const secondsOf = (text: string) =>
      text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
    const starts = recorded.cues.map(({ start }) => secondsOf(start));
    expect(starts[0]).toBe(0);
    for (const [index, { end }] of recorded.cues.entries()) {
      const [start = 0, next] = [starts[index], starts[index + 1]];
      expect(secondsOf(end)).toBe(next ?? secondsOf(end));
      expect(secondsOf(end)).toBeLessThanOrEqual(recording?.durationSeconds ?? 0);
      // Each segment is 2 s long; a busy machine may make one a segment later.
      if (next !== undefined) expect(Math.abs(next - start - 12)).toBeLessThan(2.1);
    }
    for (const [track, { uri }] of [
      [live.url, live.cues[1] ?? { uri: '' }],
      [recording?.thumbnailsUrl ?? '', recorded.cues[1] ?? { uri: '' }],
    ] as const) {
      const response = await fetch(new URL(uri, track));
      expect(response.headers.get('cache-control')).toContain('immutable');
      const picture = Buffer.from(await response.arrayBuffer());
      const frame = picture.indexOf('ffc0', 'hex');
      expect([picture.readUInt16BE(frame + 7), picture.readUInt16BE(frame + 5)]).toEqual([
        256, 144,
      ]);
    }
  });

  it('expires', async () => {
    const retention = { maxAgeSeconds: 0, maxTotalBytes: null };
    const next = await startIngestForTest({ dataDirectory: house.directory, retention });
    try {
      await pollUntil(async () => (await listOf(next)).recordings.length === 0, {
        timeoutMs: 5_000,
        description: 'the recording is gone',
      });
    } finally {
      await next.ingest.close('test ended');
    }
  });

  it('cannot be deleted where no admin token is set', async () => {
    const next = await startIngestForTest({ dataDirectory: house.directory });
    try {
      const [recording] = (await listOf(next)).recordings;
      const url = `${next.ingest.url}/api/v1/recordings/demo/${recording?.id}`;
      const headers = { authorization: `Bearer ${adminToken}` };
      expect((await fetch(url, { method: 'DELETE', headers })).status).toBe(403);
    } finally {
      await next.ingest.close('test ended');
    }
  });
});

describe('a service that dies in the middle of a broadcast', () => {
  it('comes back with every listed segment, its playlists ended and its recording there', async () => {
    const house = await startIngestForTest();
    const sink = house.ingest.openBroadcast(streamId('demo'), publisherForTest());
    await playBroadcast(sink, { ...media, durationSeconds: 9 });
    const playlist = async (from: IngestForTest) =>
      (await fetch(`${from.ingest.url}/live/demo/180p/index.m3u8`)).text();
    const urisIn = (text: string) => text.match(/^\S+\.m4s$/gm) ?? [];
    const before = await pollUntil(
      async () => {
        const uris = urisIn(await playlist(house));
        return uris.length >= 3 ? uris : null;
      },
      { timeoutMs: 10_000, description: 'three segments are listed' },
    );
    // The first process does not get to finish anything; another one starts on its directory.
    const next = await pollUntil(
      async () => {
        const started = await startIngestForTest({ dataDirectory: house.directory });
        if ((await listOf(started)).recordings.length > 0) return started;
        await started.ingest.close('its predecessor was not done writing');
        return null;
      },
      { timeoutMs: 10_000, description: 'the recording is found' },
    );
    try {
      const { streams, recordings } = await listOf(next);
      expect(streams).toMatchObject([{ id: 'demo', state: 'ended' }]);
      const text = await playlist(next);
      expect(text).toContain('#EXT-X-ENDLIST');
      expect(urisIn(text)).toEqual(before);
      for (const uri of before) {
        expect(await statusOf(`${next.ingest.url}/live/demo/180p/${uri}`)).toBe(200);
      }
      expect(await statusOf(recordings[0]?.playlistUrl ?? '')).toBe(200);
      // The next broadcast goes on after the numbers of the one that was cut off.
      const again = next.ingest.openBroadcast(streamId('demo'), publisherForTest());
      await playBroadcast(again, media);
      await again.close('deleted');
      const first = /#EXT-X-MEDIA-SEQUENCE:(\d+)/.exec(await playlist(next))?.[1];
      expect(Number(first)).toBe(before.length);
    } finally {
      await next.ingest.close('test ended');
      await house.close();
    }
  });
});
