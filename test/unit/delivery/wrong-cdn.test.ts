// A CDN that sends what does not match the pieces, as a broken cache does or one that forges: the
// neighbours may have the segment all the same, or the whole of it may be right.

import { createHash } from 'node:crypto';
import { pieceListHeader } from '@shoal/ingest/protocol';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { pieceListOf, pieceRootOf } from '../../../ingest/origin/piece-digests.ts';
import { CdnError } from '../../../player/delivery/cdn-fetcher.ts';
import { HybridDelivery } from '../../../player/delivery/hybrid-delivery.ts';
import type { MediaSegment, RenditionPlaylist } from '../../../player/delivery/media-segment.ts';
import {
  contentOf,
  encodeHave,
  encodeHello,
  encodeList,
  encodePiece,
} from '../../../player/delivery/pieces/piece-messages.ts';
import { DeliveryMeter } from '../../../player/telemetry/delivery-meter.ts';
import { type MemoryPeer, memoryTrackerClient } from '../../support/memory-peers.ts';
import { pollUntil } from '../../support/poll-until.ts';

const number = 70;
const pieceBytes = 16 * 1024;
const bytes = new Uint8Array(createHash('shake256', { outputLength: 3 * pieceBytes }).digest());
const list = new Uint8Array(pieceListOf(bytes));
const pieces = pieceRootOf(bytes.length, list);
const media: MediaSegment = {
  url: 'http://origin.invalid/live/a/main/70.m4s',
  mediaSequenceNumber: number,
  startSeconds: 140,
  durationSeconds: 2,
  digest: createHash('sha256').update(bytes).digest('hex'),
  pieces,
};
const playlist: RenditionPlaylist = {
  track: 'main',
  url: 'http://origin.invalid/live/a/main/index.m3u8',
  isLive: true,
  targetDurationSeconds: 2,
  segments: [media],
};

let delivery: HybridDelivery;
let network: ReturnType<typeof memoryTrackerClient>;
/** How it answers for pieces, and for the whole once pieces are given up. */
let answer: (isForWhole: boolean) => Uint8Array<ArrayBuffer>;
let wholeFetches: number;
const digests = vi.spyOn(crypto.subtle, 'digest');

beforeEach(() => {
  network = memoryTrackerClient();
  wholeFetches = 0;
  delivery = new HybridDelivery({
    playlistUrl: 'http://origin.invalid/live/a/index.m3u8',
    trackerUrl: 'ws://tracker.invalid',
    exchange: 'shoal',
    loadCore: () => new Promise(() => undefined),
    loadTrackerClientClass: async () => network.clientClass,
    iceServers: [],
    viewerId: '-SH0101-zzzzzzzzzzzz',
    storeLimitBytes: 64 * 1024 * 1024,
    nowMs: () => performance.now(),
    events: new DeliveryMeter(),
    fetch: async (_url, init) => {
      // The cache is passed by only after a whole that did not match.
      const isForWhole = init?.cache === 'reload';
      if (isForWhole) wholeFetches += 1;
      const headers = { [pieceListHeader]: Buffer.from(list).toString('base64') };
      return new Response(answer(isForWhole), { headers });
    },
  });
  delivery.activate(playlist);
  delivery.updatePlayhead(139);
});

afterEach(() => delivery.close());

const wrong = bytes.map((byte) => byte ^ 0x5a);

function load(): Promise<Uint8Array> {
  const loading = delivery.load(playlist.url, media, new AbortController().signal);
  return loading.then((delivered) => new Uint8Array(delivered.bytes));
}

/** A neighbour that has nothing yet. */
async function neighbour(): Promise<MemoryPeer> {
  delivery.allowPeers(true);
  await vi.waitUntil(network.isOpen);
  const peer = network.meet('-SH0101-000000000001');
  peer.emit('data', encodeHello(true, contentOf('/live/a/main/index.m3u8')));
  await vi.waitUntil(() => delivery.peerCount === 1);
  return peer;
}

async function untilWholeWasWrong(): Promise<void> {
  await pollUntil(() => wholeFetches > 0, {
    timeoutMs: 20_000,
    description: 'the whole is asked for past the caches',
    intervalMs: 5,
  });
  // Read, held against its digest, and told to whoever waits.
  await new Promise((resolve) => setImmediate(resolve));
  await Promise.all(digests.mock.results.map(({ value }) => value));
  await new Promise((resolve) => setImmediate(resolve));
}

it('does not keep a neighbour’s pieces from a segment whose whole is as wrong', async () => {
  answer = () => wrong;
  const peer = await neighbour();
  const loading = load();
  await untilWholeWasWrong();
  const tag = (pieces.root.charCodeAt(0) << 8) | pieces.root.charCodeAt(1);
  peer.emit('data', encodeHave(number, tag, 3, new Uint8Array([0b111]), 0));
  peer.emit('data', encodeList(number, list));
  for (let index = 0; index < 3; index += 1) {
    const piece = bytes.subarray(index * pieceBytes, (index + 1) * pieceBytes);
    peer.emit('data', encodePiece(number, index, piece));
  }
  expect(await loading).toEqual(bytes);
});

it('is believed when its whole matches the digest, though its pieces do not', async () => {
  answer = (isForWhole) => (isForWhole ? bytes : wrong);
  await neighbour();
  expect(await load()).toEqual(bytes);
});

it('is what hls.js is told of at once by a viewer without neighbours', async () => {
  answer = () => wrong;
  await expect(load()).rejects.toBeInstanceOf(CdnError);
  expect(wholeFetches).toBe(1);
});
