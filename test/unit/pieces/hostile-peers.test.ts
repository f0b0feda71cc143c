// What a stranger can do over a link: nothing that is played without its digest, nothing that grows
// without bound, nothing that is asked for again. Real delivery and links, a network in memory.

import { createHash } from 'node:crypto';
import { pieceListHeader } from '@shoal/ingest/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pieceListOf, pieceRootOf } from '../../../ingest/origin/piece-digests.ts';
import type { MediaSegment, RenditionPlaylist } from '../../../player/delivery/media-segment.ts';
import { PictureLinks } from '../../../player/delivery/pieces/picture-links.ts';
import { PieceDelivery } from '../../../player/delivery/pieces/piece-delivery.ts';
import {
  contentOf,
  decodeMessages,
  encodeBye,
  encodeHave,
  encodeHello,
  encodeList,
  encodePiece,
  encodeRequest,
  type PieceMessage,
} from '../../../player/delivery/pieces/piece-messages.ts';
import { RangeFetcher } from '../../../player/delivery/pieces/range-fetcher.ts';
import { SoundLinks } from '../../../player/delivery/pieces/sound-links.ts';
import { WakeUps } from '../../../player/delivery/pieces/wake-up.ts';
import { DeliveryMeter } from '../../../player/telemetry/delivery-meter.ts';
import { type MemoryPeer, memoryTrackerClient } from '../../support/memory-peers.ts';
import { pollUntil } from '../../support/poll-until.ts';

const pieceBytes = 16 * 1024;
const bytes = new Uint8Array(createHash('shake256', { outputLength: 3 * pieceBytes }).digest());
const list = new Uint8Array(pieceListOf(bytes));
const root = pieceRootOf(bytes.length, list);
const tag = (root.root.charCodeAt(0) << 8) | root.root.charCodeAt(1);
const content = contentOf('/index.m3u8');
const allBits = new Uint8Array([0b111]);
const number = 7;

const media: MediaSegment = {
  url: 'http://origin.invalid/7.m4s',
  mediaSequenceNumber: number,
  startSeconds: 60,
  durationSeconds: 2,
  digest: null,
  pieces: root,
};
const playlist: RenditionPlaylist = {
  track: 'main',
  url: 'http://origin.invalid/index.m3u8',
  isLive: true,
  targetDurationSeconds: 2,
  segments: [media],
};
const piece = (index: number): Uint8Array =>
  bytes.subarray(index * pieceBytes, (index + 1) * pieceBytes);

let delivery: PieceDelivery;
let meter: DeliveryMeter;
let network: ReturnType<typeof memoryTrackerClient>;
let fetches: number;
/** The clock, where it is to stand still. */
let stoppedAtMs: number | null;

beforeEach(() => {
  stoppedAtMs = null;
  network = memoryTrackerClient();
  meter = new DeliveryMeter();
  fetches = 0;
  const fetch = async (): Promise<Response> => {
    fetches += 1;
    const headers = { [pieceListHeader]: Buffer.from(list).toString('base64') };
    return new Response(bytes, { headers });
  };
  const nowMs = (): number => stoppedAtMs ?? performance.now();
  delivery = new PieceDelivery(
    {
      viewerId: '-SH0101-zzzzzzzzzzzz',
      nowMs,
      random: Math.random,
      wakeUps: new WakeUps(nowMs),
      ranges: new RangeFetcher({ fetch, nowMs }),
      events: meter,
      storeLimitBytes: 64 * 1024 * 1024,
      checksWhole: false,
    },
    playlist,
  );
  delivery.setLinks(
    (listener) =>
      new PictureLinks(
        {
          clientClass: network.clientClass,
          trackerUrl: () => 'ws://tracker.invalid',
          infoHash: new Uint8Array(20),
          viewerId: '-SH0101-zzzzzzzzzzzz',
          connection: { iceServers: [] },
          maxLinks: 16,
          nowMs,
        },
        listener,
        new SoundLinks(),
      ),
  );
  delivery.updatePlayhead(0);
});

afterEach(() => delivery.close());

let strangers = 0;

function meet(): MemoryPeer {
  strangers += 1;
  return network.meet(`-SH0101-${String(strangers).padStart(12, '0')}`);
}

/** A stranger that has greeted and says that it has everything. */
function neighbour(): MemoryPeer {
  const peer = meet();
  peer.emit('data', encodeHello(true, content));
  peer.emit('data', encodeHave(number, tag, 3, allBits, 0));
  return peer;
}

function receivedBy(peer: MemoryPeer): PieceMessage[] {
  return peer.received.flatMap((data) => decodeMessages(new Uint8Array(data))?.main ?? []);
}

async function requestTo(peer: MemoryPeer): Promise<number> {
  const request = await pollUntil(
    () => receivedBy(peer).find((message) => message.kind === 'request'),
    { timeoutMs: 5_000, description: 'a request', intervalMs: 5 },
  );
  return request.piece;
}

describe('a piece that does not verify', () => {
  it('is thrown away, its sender banned, and the piece is asked of somebody else', async () => {
    const liar = neighbour();
    const asked = await requestTo(liar);
    liar.emit('data', encodeList(number, list));
    const wrong = piece(asked).slice();
    wrong[5] = (wrong[5] ?? 0) ^ 1;
    const loaded = delivery.load(media, new AbortController().signal);
    liar.emit('data', encodePiece(number, asked, wrong));
    await pollUntil(() => liar.destroyed, { timeoutMs: 5_000, description: 'the ban' });
    const honest = neighbour();
    honest.emit('data', encodeList(number, list));
    for (let index = 0; index < 3; index += 1)
      honest.emit('data', encodePiece(number, index, piece(index)));
    const delivered = await loaded;
    expect(new Uint8Array(delivered.bytes)).toEqual(bytes);
    expect(meter.totals.discardedBytes).toBeGreaterThanOrEqual(pieceBytes);
    expect(network.meet(Buffer.from(liar.id, 'hex').toString()).destroyed).toBe(true);
  });

  it('is not believed with a list of digests of its sender’s own', async () => {
    const liar = neighbour();
    await requestTo(liar);
    const wrong = piece(0).slice();
    wrong[5] = (wrong[5] ?? 0) ^ 1;
    const forged = new Uint8Array(pieceListOf(wrong));
    liar.emit('data', encodeList(number, new Uint8Array([...forged, ...list.subarray(16)])));
    for (let index = 0; index < 3; index += 1)
      liar.emit('data', encodePiece(number, index, index === 0 ? wrong : piece(index)));
    const delivered = await delivery.load(media, new AbortController().signal);
    expect(new Uint8Array(delivered.bytes)).toEqual(bytes);
    expect(delivered.source).toBe('cdn');
    expect(fetches).toBeGreaterThan(0);
  });
});

describe('a stranger', () => {
  it('of another version is told goodbye and not met again', () => {
    const peer = meet();
    const hello = encodeHello(true, content);
    hello[5] = 99;
    peer.emit('data', hello);
    expect(receivedBy(peer).map(({ kind }) => kind)).toContain('bye');
    expect(peer.destroyed).toBe(true);
    expect(network.meet(Buffer.from(peer.id, 'hex').toString()).destroyed).toBe(true);
    expect(delivery.peerCount).toBe(0);
  });

  it('that plays something else is not asked, and stays', () => {
    const peer = meet();
    peer.emit('data', encodeHello(true, content + 1));
    peer.emit('data', encodeHave(number, tag, 3, allBits, 0));
    expect(delivery.peerCount).toBe(0);
    expect(peer.destroyed).toBe(false);
  });

  it('that says nothing it understands is told goodbye', () => {
    for (const nonsense of [new Uint8Array([200]), new Uint8Array(0), new Uint8Array(70_000)]) {
      const peer = meet();
      peer.emit('data', encodeHello(true, content));
      peer.emit('data', nonsense);
      expect(receivedBy(peer).at(-1)?.kind).toBe('bye');
      expect(peer.destroyed).toBe(true);
    }
  });

  it('is not heard before it has greeted', async () => {
    const peer = meet();
    peer.emit('data', encodeHave(number, tag, 3, allBits, 0));
    peer.emit('data', encodeRequest(number, 0, 1_000, true));
    const greeted = neighbour();
    await requestTo(greeted);
    expect(receivedBy(peer).map(({ kind }) => kind)).toEqual(['hello']);
  });

  it('that floods is dropped', () => {
    const peer = neighbour();
    stoppedAtMs = performance.now();
    for (let count = 0; count < 2_100 && !peer.destroyed; count += 1)
      peer.emit('data', encodeHave(number, tag, 3, allBits, 0));
    expect(peer.destroyed).toBe(true);
  });

  it('that asks for more than anybody may is dropped', () => {
    const peer = neighbour();
    for (let index = 0; index < 100 && !peer.destroyed; index += 1)
      peer.emit('data', encodeRequest(index, index % 64, 60_000, false));
    expect(peer.destroyed).toBe(true);
  });

  it('that sends pieces without a list, and segments without end, is held in bounds', async () => {
    const peer = neighbour();
    await requestTo(peer);
    for (let count = 0; count < 60; count += 1)
      peer.emit('data', encodePiece(number, count % 3, piece(count % 3)));
    // Of 60 pieces 32 are kept until there are digests.
    expect(meter.totals.discardedBytes).toBe(28 * pieceBytes);
    for (let count = 0; count < 500; count += 1)
      peer.emit('data', encodeHave(1_000 + count, tag, 3, allBits, 0x3ff));
    expect(peer.destroyed).toBe(false);
    peer.emit('data', encodeBye());
    expect(delivery.peerCount).toBe(0);
  });
});

describe('a viewer that leaves', () => {
  it('says goodbye to its neighbours', () => {
    const peer = neighbour();
    delivery.close();
    expect(receivedBy(peer).at(-1)?.kind).toBe('bye');
  });

  it('is asked nothing more once it has said goodbye', () => {
    const peer = neighbour();
    peer.emit('data', encodeBye());
    expect(peer.destroyed).toBe(true);
    expect(delivery.peerCount).toBe(0);
  });
});
