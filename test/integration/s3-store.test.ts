// The origin in a bucket of a real S3 server that checks signatures: the suite of all stores, and
// what broadcasts and viewers notice of a bucket that is away for a while, which is nothing.

import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { StreamList } from '@shoal/ingest/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { S3Store } from '../../ingest/origin/s3-store.ts';
import { decoderComplaints } from '../support/decoder-complaints.ts';
import { makeFrames, playFrames, shifted } from '../support/frame-source.ts';
import { publisherForTest, startIngestForTest, streamId } from '../support/ingest-for-test.ts';
import { describeOriginStore } from '../support/origin-store-suite.ts';
import { PlaylistChecker } from '../support/playlist-checker.ts';
import { pollUntil } from '../support/poll-until.ts';
import { SwiftServer, swiftAccess } from '../support/swift-server.ts';
import { TcpGate } from '../support/tcp-gate.ts';

const bucket = 'shoal-test';
let swift: SwiftServer;
let prefixCount = 0;

const isLinux = process.platform === 'linux';

beforeAll(async () => {
  if (!isLinux) return;
  swift = await SwiftServer.start();
  await swift.makeBucket(bucket);
});

afterAll(() => swift?.stop());

/** A place of its own in the bucket. */
function openStore(overrides: { secretKey?: string; pageKeys?: number } = {}): S3Store {
  prefixCount += 1;
  return new S3Store({
    ...{ ...swiftAccess, endpoint: swift.url, bucket, prefix: `origin/test-${prefixCount}` },
    ...overrides,
  });
}

describe.runIf(isLinux)('Swift', () => {
  describeOriginStore('a bucket', async () => ({
    store: openStore(),
    mayMissReplaced: true,
    fileNames: async () => [],
    remove: async () => undefined,
  }));
});

describe.runIf(isLinux)('a bucket', () => {
  it('is read page by page', async () => {
    const store = openStore({ pageKeys: 2 });
    const keys = ['a/1', 'a/2', 'a/3', 'b/1', 'b/2'];
    for (const key of keys) await store.put(key, Buffer.from(key));
    expect(await store.list('')).toEqual(keys);
    expect(await store.list('a/')).toEqual(['a/1', 'a/2', 'a/3']);
  });

  it('that refuses the key is unavailable, for writing and for reading', async () => {
    const store = openStore({ secretKey: 'wrong' });
    const refusal = { code: 'store-unavailable' };
    await expect(store.put('a', Buffer.from('a'))).rejects.toMatchObject(refusal);
    await expect(store.get('a')).rejects.toMatchObject(refusal);
    await expect(store.list('')).rejects.toMatchObject(refusal);
  });
});

describe.runIf(isLinux)('a broadcast into a bucket', () => {
  it('goes on while the bucket is away, and all of it is there in the end', async () => {
    const gate = await TcpGate.start(swift.url);
    const options = {
      store: { bucket, prefix: 'broadcast' },
      s3: { ...swiftAccess, endpoint: gate.url },
    };
    const house = await startIngestForTest(options);
    const text = async (pathName: string) =>
      (await fetch(new URL(pathName, house.ingest.url))).text();
    const metric = async (name: string) =>
      Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await text('/metrics'))?.[1]);
    try {
      const source = { widthPx: 320, heightPx: 180, frameRate: 25, startTimeMs: 0 };
      const frames = await makeFrames({ ...source, durationSeconds: 12 });
      const sink = house.ingest.openBroadcast(streamId('demo'), publisherForTest());
      const playing = playFrames(shifted(frames, Date.now()), (frame) => sink.writeFrame(frame), {
        speed: 2,
      });
      const checker = new PlaylistChecker();
      const listed = async (count: number) =>
        pollUntil(
          async () => {
            const response = await fetch(`${house.ingest.url}/live/demo/180p/index.m3u8`);
            if (response.ok) checker.check(await response.text());
            return checker.segments.length >= count;
          },
          { timeoutMs: 20_000, description: `${count} segments are listed` },
        );
      await listed(1);
      await gate.shut();
      await listed(4);
      for (const { uri } of checker.segments) {
        const response = await fetch(`${house.ingest.url}/live/demo/180p/${uri}`);
        expect(response.status).toBe(200);
        await response.arrayBuffer();
      }
      expect(await metric('shoal_origin_pending_objects')).toBeGreaterThan(0);
      expect(await metric('shoal_origin_store_reachable')).toBe(0);
      await gate.open();
      await playing;
      await sink.close('deleted');
      await pollUntil(async () => (await metric('shoal_origin_pending_objects')) === 0, {
        timeoutMs: 20_000,
        description: 'everything is uploaded',
      });
      expect(await metric('shoal_origin_pending_bytes')).toBe(0);
    } finally {
      await house.close();
    }
    // Another machine, with nothing but the bucket.
    const directory = await mkdtemp(path.join(os.tmpdir(), 'shoal-elsewhere-'));
    const other = await startIngestForTest({ ...options, dataDirectory: directory });
    try {
      const response = await fetch(`${other.ingest.url}/api/v1/streams`);
      const list: StreamList = await response.json();
      expect(list.recordings[0]?.durationSeconds).toBeCloseTo(12, 0);
      const url = list.recordings[0]?.playlistUrl ?? '';
      expect(await decoderComplaints(url)).toBe('');
    } finally {
      await other.close();
      await rm(directory, { recursive: true, force: true });
      await gate.shut();
    }
  });
});
