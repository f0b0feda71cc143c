// What the spool promises before a remote store that fails: order, bounds and nothing lost.

import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { IngestError } from '../../../ingest/errors.ts';
import { MemoryStore } from '../../../ingest/origin/memory-store.ts';
import { SpooledStore } from '../../../ingest/origin/spooled-store.ts';
import { pollUntil } from '../../support/poll-until.ts';

/** A remote store with a network that fails when it is told to. */
class FailingStore extends MemoryStore {
  readonly putKeys: string[] = [];
  isAway = false;

  override async put(key: string, bytes: Uint8Array): Promise<void> {
    if (this.isAway) throw new IngestError('store-unavailable', 'away');
    this.putKeys.push(key);
    await super.put(key, bytes);
  }

  override async get(key: string): Promise<Uint8Array | null> {
    if (this.isAway) throw new IngestError('store-unavailable', 'away');
    return super.get(key);
  }
}

const logger = pino({ level: 'silent' });
const bytes = (text: string) => new TextEncoder().encode(text);

async function open(options: { spool?: MemoryStore; maxPendingBytes?: number } = {}) {
  const remote = new FailingStore();
  const spool = options.spool ?? new MemoryStore();
  const store = await SpooledStore.start({ spool, remote, logger, firstDelayMs: 5, ...options });
  return { store, remote, spool };
}

async function untilUploaded(store: SpooledStore): Promise<void> {
  await pollUntil(() => store.statistics.pendingCount === 0, {
    timeoutMs: 5_000,
    description: 'everything is uploaded',
  });
}

describe('a spooled store', () => {
  it('gives back what waits, and uploads it in the order in which it was put', async () => {
    const { store, remote, spool } = await open();
    remote.isAway = true;
    const keys = [
      ...['media/demo/r1/720p/0.m4s', 'media/demo/r1/720p/1.m4s', 'checkpoints/demo/r1/0.json'],
      ...['media/demo/r1/720p/index.m3u8', 'recordings/demo/r1.json'],
    ];
    for (const key of keys) await store.put(key, bytes(key));
    for (const key of keys) expect(await store.get(key)).toEqual(bytes(key));
    expect(store.statistics.pendingCount).toBe(5);
    await pollUntil(() => store.statistics.failedTries > 1, {
      timeoutMs: 5_000,
      description: 'uploads fail',
    });
    expect(store.statistics.isReachable).toBe(false);
    remote.isAway = false;
    await untilUploaded(store);
    expect(remote.putKeys).toEqual(keys);
    expect(store.statistics).toMatchObject({ pendingBytes: 0, isReachable: true });
    expect(await spool.list('')).toEqual([]);
    await store.close();
  });

  it('uploads what was put again behind the segments that it names', async () => {
    const { store, remote } = await open();
    remote.isAway = true;
    const checkpoint = 'checkpoints/demo/r1/0.json';
    await store.put('media/demo/r1/720p/0.m4s', bytes('0'));
    await store.put(checkpoint, bytes('0'));
    await store.put('media/demo/r1/720p/1.m4s', bytes('1'));
    await store.put(checkpoint, bytes('0, 1'));
    remote.isAway = false;
    await untilUploaded(store);
    expect(remote.putKeys.at(-1)).toBe(checkpoint);
    expect(remote.putKeys.filter((key) => key === checkpoint)).toHaveLength(1);
    expect(await store.get(checkpoint)).toEqual(bytes('0, 1'));
    await store.close();
  });

  it('refuses more than may wait, counts it, and takes it again later', async () => {
    const { store, remote } = await open({ maxPendingBytes: 10 });
    remote.isAway = true;
    await store.put('media/demo/r1/a', bytes('123456'));
    const second = store.put('media/demo/r1/b', bytes('123456'));
    await expect(second).rejects.toMatchObject({ code: 'store-unavailable' });
    expect(store.statistics.refusedCount).toBe(1);
    remote.isAway = false;
    await untilUploaded(store);
    await store.put('media/demo/r1/b', bytes('123456'));
    await store.close();
  });

  it('uploads after a restart what an earlier process has left', async () => {
    const { store, remote, spool } = await open();
    remote.isAway = true;
    await store.put('recordings/demo/r1.json', bytes('{}'));
    await store.put('media/demo/r1/720p/0.m4s', bytes('0'));
    // The process is gone here; another one starts on the same spool.
    const next = await open({ spool });
    await untilUploaded(next.store);
    expect(next.remote.putKeys).toEqual(['media/demo/r1/720p/0.m4s', 'recordings/demo/r1.json']);
    await next.store.close();
    remote.isAway = false;
    await store.close();
  });
});
