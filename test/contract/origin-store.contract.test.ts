// What every origin store does, whatever its medium: one suite, run on each implementation.

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DiskStore } from '../../ingest/origin/disk-store.ts';
import { MemoryStore } from '../../ingest/origin/memory-store.ts';
import type { OriginStore } from '../../ingest/origin/origin-store.ts';

interface StoreForTest {
  readonly store: OriginStore;
  /** Names of all files that the store has made, none for stores without files. */
  fileNames(): Promise<readonly string[]>;
  remove(): Promise<void>;
}

async function openDisk(cacheBytes: number): Promise<StoreForTest> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'shoal-store-'));
  return {
    store: await DiskStore.start({ directory: path.join(directory, 'inside'), cacheBytes }),
    fileNames: () => readdir(directory, { recursive: true }),
    remove: () => rm(directory, { recursive: true }),
  };
}

const implementations: Readonly<Record<string, () => Promise<StoreForTest>>> = {
  disk: () => openDisk(64 * 1024 * 1024),
  'disk without a cache': () => openDisk(0),
  memory: async () => ({
    store: new MemoryStore(),
    fileNames: async () => [],
    remove: async () => undefined,
  }),
};

const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString());

describe.each(Object.entries(implementations))('origin store: %s', (_name, open) => {
  let opened: StoreForTest;
  let store: OriginStore;

  beforeEach(async () => {
    opened = await open();
    store = opened.store;
  });

  afterEach(() => opened.remove());

  it('gives back what was put', async () => {
    await store.put('media/demo/1.m4s', Buffer.from('segment one'));
    expect(text(await store.get('media/demo/1.m4s'))).toBe('segment one');
    expect(await store.size('media/demo/1.m4s')).toBe(11);
  });

  it('gives the range that is asked for, ends included', async () => {
    await store.put('a', Buffer.from('0123456789'));
    expect(text(await store.get('a', { firstByte: 2, lastByte: 4 }))).toBe('234');
    expect(text(await store.get('a', { firstByte: 9, lastByte: 9 }))).toBe('9');
  });

  it('has null for what is not there, also for what is only the beginning of a key', async () => {
    await store.put('media/demo/1.m4s', Buffer.from('x'));
    for (const key of ['missing', 'media', 'media/demo', 'media/demo/1.m4s/more']) {
      expect(await store.get(key)).toBeNull();
      expect(await store.size(key)).toBeNull();
    }
  });

  it('replaces an object', async () => {
    await store.put('a', Buffer.from('old and long'));
    await store.get('a');
    await store.put('a', Buffer.from('new'));
    expect(text(await store.get('a'))).toBe('new');
    expect(await store.size('a')).toBe(3);
  });

  it('keeps an empty object', async () => {
    await store.put('empty', new Uint8Array());
    expect(await store.size('empty')).toBe(0);
    expect(text(await store.get('empty'))).toBe('');
  });

  it('lists the keys under a prefix, sorted', async () => {
    for (const key of ['b/2', 'a/1', 'b/1/c', 'bb/1', 'c']) await store.put(key, Buffer.from(key));
    expect(await store.list('b/')).toEqual(['b/1/c', 'b/2']);
    expect(await store.list('')).toEqual(['a/1', 'b/1/c', 'b/2', 'bb/1', 'c']);
    expect(await store.list('nothing/')).toEqual([]);
  });

  it('forgets what is deleted, and does not mind what is not there', async () => {
    await store.put('a/1', Buffer.from('1'));
    await store.get('a/1');
    await store.delete('a/1');
    await store.delete('a/1');
    expect(await store.get('a/1')).toBeNull();
    expect(await store.list('')).toEqual([]);
  });

  it('deletes everything under a prefix and nothing else', async () => {
    for (const key of ['a/1', 'a/b/2', 'ab/3']) await store.put(key, Buffer.from(key));
    await store.deleteAll('a/');
    await store.deleteAll('missing/');
    expect(await store.list('')).toEqual(['ab/3']);
    expect(await store.get('a/1')).toBeNull();
    await expect(store.deleteAll('')).rejects.toThrow(RangeError);
  });

  it.each([
    ...['', '/', '/etc/passwd', '../x', 'a/../../x', 'a//b', 'a/', '.hidden', 'a/.b'],
    ...['a\\b', 'a\0b', 'A', 'a b', 'x.tmp', 'a/'.repeat(200)],
  ])('refuses the key %j', async (key) => {
    await expect(store.put(key, Buffer.from('x'))).rejects.toThrow(RangeError);
    await expect(store.get(key)).rejects.toThrow(RangeError);
    await expect(store.size(key)).rejects.toThrow(RangeError);
    await expect(store.delete(key)).rejects.toThrow(RangeError);
    expect(await store.list('')).toEqual([]);
  });

  it('shows a reader the old or the new object, never a part', async () => {
    const [old, young] = [Buffer.alloc(300_000, 'o'), Buffer.alloc(500_000, 'n')];
    await store.put('a', old);
    const seen = new Set<string>();
    const writing = (async () => {
      for (let round = 0; round < 10; round += 1) await store.put('a', round % 2 ? old : young);
    })();
    for (let round = 0; round < 40; round += 1) {
      const bytes = Buffer.from((await store.get('a')) ?? []);
      seen.add(bytes.equals(old) ? 'old' : bytes.equals(young) ? 'new' : 'a part');
    }
    await writing;
    expect(seen.has('a part')).toBe(false);
  });

  it('leaves no temporary file behind', async () => {
    await Promise.all(['a', 'b', 'c/d'].map((key) => store.put(key, Buffer.from(key))));
    expect((await opened.fileNames()).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

describe('the limits of a store', () => {
  it('memory refuses what does not fit and keeps what it has', async () => {
    const store = new MemoryStore({ maxBytes: 10 });
    await store.put('a', Buffer.alloc(6));
    await expect(store.put('b', Buffer.alloc(5))).rejects.toMatchObject({
      code: 'store-unavailable',
    });
    await store.put('a', Buffer.alloc(10));
    await store.delete('a');
    await store.put('b', Buffer.alloc(10));
    expect(await store.list('')).toEqual(['b']);
  });

  it('disk says so when it cannot write', async () => {
    const directory = await mkdtemp(path.join(os.tmpdir(), 'shoal-store-'));
    const store = await DiskStore.start({ directory });
    await store.put('file', Buffer.from('x'));
    // A file stands where a directory would be needed.
    await expect(store.put('file/below', Buffer.from('x'))).rejects.toMatchObject({
      code: 'store-unavailable',
    });
    await rm(directory, { recursive: true });
  });

  it('disk keeps its objects over a restart', async () => {
    const directory = await mkdtemp(path.join(os.tmpdir(), 'shoal-store-'));
    await (await DiskStore.start({ directory })).put('a/b', Buffer.from('kept'));
    expect(text(await (await DiskStore.start({ directory })).get('a/b'))).toBe('kept');
    await rm(directory, { recursive: true });
  });
});
