// What every origin store does, whatever its medium: one suite, run on each implementation. The
// contract tests run it on local stores, the integration tests on a bucket.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OriginStore } from '../../ingest/origin/origin-store.ts';

export interface StoreForTest {
  /** Empty. */
  readonly store: OriginStore;
  /** Whether an object may be away for a moment while it is replaced, as in a Swift that is busy. */
  readonly mayMissReplaced?: boolean;
  /** Names of all files that the store has made, none for stores without files. */
  fileNames(): Promise<readonly string[]>;
  remove(): Promise<void>;
}

const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString());

export function describeOriginStore(name: string, open: () => Promise<StoreForTest>): void {
  describe(`origin store: ${name}`, () => {
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
      for (const key of ['b/2', 'a/1', 'b/1/c', 'bb/1', 'c'])
        await store.put(key, Buffer.from(key));
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
        const bytes = await store.get('a');
        if (bytes === null) seen.add('nothing');
        else if (old.equals(bytes)) seen.add('old');
        else seen.add(young.equals(bytes) ? 'new' : 'a part');
      }
      await writing;
      expect(seen.has('a part')).toBe(false);
      if (opened.mayMissReplaced !== true) expect(seen.has('nothing')).toBe(false);
    });

    it('leaves no temporary file behind', async () => {
      await Promise.all(['a', 'b', 'c/d'].map((key) => store.put(key, Buffer.from(key))));
      expect((await opened.fileNames()).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    });
  });
}
