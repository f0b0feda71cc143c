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

const wrong = bytes.map((byte) => byte ^ 0x5a);

let delivery: HybridDelivery;
let network: ReturnType<typeof memoryTrackerClient>;
let answer: (isForWhole: boolean) => Promise<Uint8Array<ArrayBuffer>>;
let wholeCount: number;
let rangeCount: number;
const digests = vi.spyOn(crypto.subtle, 'digest');

beforeEach(() => {
  // Ranges are asked for again after seconds: here these pass at once.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  digests.mockClear();
  network = memoryTrackerClient();
  wholeCount = 0;
  rangeCount = 0;
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
      init?.signal?.throwIfAborted();
      const range = new Headers(init?.headers).get('range');
      if (range === null) wholeCount += 1;
      else rangeCount += 1;
      const status = range === null ? 200 : 206;
      const headers = { [pieceListHeader]: Buffer.from(list).toString('base64') };
      const [from = 0, to = bytes.length - 1] = (range?.match(/\d+/g) ?? []).map(Number);
      const whole = await answer(range === null);
      return new Response(whole.subarray(from, to + 1), { status, headers });
    },
  });
  delivery.activate(playlist);
  delivery.updatePlayhead(139);
});

afterEach(() => {
  delivery.close();
  vi.useRealTimers();
});

/** Lets time pass until it is so. Bodies and digests come at the pace of the machine. */
async function until(isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 20_000 && !isSo(); turn += 1) {
    if (turn % 20 === 0) vi.advanceTimersByTime(50);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(isSo()).toBe(true);
}

interface Loading {
  readonly bytes: Promise<Uint8Array>;
  hasEnded: boolean;
}

function load(): Loading {
  const delivered = delivery.load(playlist.url, media, new AbortController().signal);
  const bytes = delivered.then((each) => new Uint8Array(each.bytes));
  const loading: Loading = { bytes, hasEnded: false };
  const end = (): void => {
    loading.hasEnded = true;
  };
  bytes.then(end, end);
  return loading;
}

/** Brings pieces of the segment. */
function bring(peer: MemoryPeer, ...indices: number[]): void {
  const tag = (pieces.root.charCodeAt(0) << 8) | pieces.root.charCodeAt(1);
  const bits = indices.reduce((all, index) => all | (1 << index), 0);
  peer.emit('data', encodeHave(number, tag, 3, new Uint8Array([bits]), 0));
  peer.emit('data', encodeList(number, list));
  for (const index of indices) {
    const piece = bytes.subarray(index * pieceBytes, (index + 1) * pieceBytes);
    peer.emit('data', encodePiece(number, index, piece));
  }
}

/** A neighbour that has brought the first piece: what is asked of the CDN are ranges. */
async function neighbour(): Promise<MemoryPeer> {
  delivery.allowPeers(true);
  await until(network.isOpen);
  const peer = network.meet('-SH0101-000000000001');
  peer.emit('data', encodeHello(true, contentOf('/live/a/main/index.m3u8')));
  await until(() => delivery.peerCount === 1);
  bring(peer, 0);
  // First the list is checked, then the piece.
  await until(() => digests.mock.calls.length >= 2);
  await Promise.all(digests.mock.results.map(({ value }) => value));
  await new Promise((resolve) => setImmediate(resolve));
  return peer;
}

it('does not keep a neighbour’s pieces from a segment whose whole is as wrong', async () => {
  answer = async () => wrong;
  const peer = await neighbour();
  const loading = load();
  await until(() => wholeCount === 2);
  // When a range is asked for again, the whole has been found wrong.
  const before = rangeCount;
  await until(() => rangeCount > before);
  bring(peer, 1, 2);
  expect(await loading.bytes).toEqual(bytes);
});

it('is asked for one whole at a time, and for the next when that was wrong', async () => {
  const held: (() => void)[] = [];
  answer = async (isForWhole) => {
    if (isForWhole) await new Promise<void>((resolve) => held.push(resolve));
    return wrong;
  };
  const peer = await neighbour();
  const loading = load();
  await until(() => wholeCount === 1);
  const before = rangeCount;
  // By the fourth, three more have been found wrong.
  await until(() => rangeCount >= before + 4);
  expect(wholeCount).toBe(1);
  answer = async () => wrong;
  for (const resolve of held) resolve();
  // That one past the caches too, and both of the next.
  await until(() => wholeCount === 4);
  bring(peer, 1, 2);
  expect(await loading.bytes).toEqual(bytes);
});

it('is believed when its whole matches the digest, though its pieces do not', async () => {
  answer = async (isForWhole) => (isForWhole ? bytes : wrong);
  await neighbour();
  const loading = load();
  await until(() => loading.hasEnded);
  expect(await loading.bytes).toEqual(bytes);
});

it('is what hls.js is told of at once by a viewer without neighbours', async () => {
  answer = async () => wrong;
  const loading = load();
  await until(() => loading.hasEnded);
  await expect(loading.bytes).rejects.toBeInstanceOf(CdnError);
});
