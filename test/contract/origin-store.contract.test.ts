// The stores of one machine: the suite that every store passes, and the limits of each.

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { DiskStore } from '../../ingest/origin/disk-store.ts';
import { MemoryStore } from '../../ingest/origin/memory-store.ts';
import { SpooledStore } from '../../ingest/origin/spooled-store.ts';
import { describeOriginStore, type StoreForTest } from '../support/origin-store-suite.ts';

async function openDisk(cacheBytes: number): Promise<StoreForTest> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'shoal-store-'));
  return {
    store: await DiskStore.start({ directory: path.join(directory, 'inside'), cacheBytes }),
    fileNames: () => readdir(directory, { recursive: true }),
    remove: () => rm(directory, { recursive: true }),
  };
}

async function openSpooled(): Promise<StoreForTest> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'shoal-spool-'));
  const store = await SpooledStore.start({
    spool: await DiskStore.start({ directory, cacheBytes: 0 }),
    remote: new MemoryStore(),
    logger: pino({ level: 'silent' }),
    cacheBytes: 0,
  });
  return {
    store,
    fileNames: () => readdir(directory, { recursive: true }),
    remove: async () => {
      await store.close();
      await rm(directory, { recursive: true });
    },
  };
}

const implementations: Readonly<Record<string, () => Promise<StoreForTest>>> = {
  disk: () => openDisk(64 * 1024 * 1024),
  'disk without a cache': () => openDisk(0),
  'spool before a remote store': openSpooled,
  memory: async () => ({
    store: new MemoryStore(),
    fileNames: async () => [],
    remove: async () => undefined,
  }),
};

for (const [name, open] of Object.entries(implementations)) describeOriginStore(name, open);

const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString());

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
