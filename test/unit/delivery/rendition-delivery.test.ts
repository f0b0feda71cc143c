// Where a viewer's segments come from, with a scripted exchange, a real HTTP origin and a fake
// clock: peers first, the CDN in time, everything counted once. player/delivery/rendition-delivery.ts.

import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CdnError, CdnFetcher } from '../../../player/delivery/cdn-fetcher.ts';
import type { DeliverySource } from '../../../player/delivery/delivery-events.ts';
import type { Exchange, ExchangeListener } from '../../../player/delivery/exchange/exchange.ts';
import type { MediaSegment, RenditionPlaylist } from '../../../player/delivery/media-segment.ts';
import { RenditionDelivery } from '../../../player/delivery/rendition-delivery.ts';
import { SegmentStore } from '../../../player/delivery/segment-store.ts';
import { pollUntil } from '../../support/poll-until.ts';

/** An exchange that does what the test says and notes what it was asked. */
class ScriptedExchange implements Exchange {
  neighbourIds: ReadonlySet<string>;
  readonly wanted: (number | null)[] = [];
  isClosed = false;
  readonly listener: ExchangeListener;

  constructor(listener: ExchangeListener, neighbourIds: readonly string[]) {
    this.listener = listener;
    this.neighbourIds = new Set(neighbourIds);
  }

  updatePlaylist(): void {}
  updatePlayhead(): void {}
  announce(): void {}

  want(segment: MediaSegment | null): void {
    this.wanted.push(segment?.mediaSequenceNumber ?? null);
  }

  close(): void {
    this.isClosed = true;
  }
}

const bodies = new Map<string, Buffer>();
let server: Server;
let requests: string[];
let failures: number;
let baseUrl: string;
let counted: { source: DeliverySource; sizeBytes: number }[];
let discardedBytes: number;
let subject: RenditionDelivery | null;

beforeEach(async () => {
  requests = [];
  failures = 0;
  counted = [];
  discardedBytes = 0;
  subject = null;
  server = createServer((request, response) => {
    const path = request.url ?? '';
    requests.push(path);
    if (failures > 0) {
      failures -= 1;
      response.writeHead(503).end();
    } else response.end(bodies.get(path));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  subject?.close();
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
});

function segment(number: number): MediaSegment {
  const path = `/${number}.m4s`;
  const body = Buffer.alloc(20_000, number);
  bodies.set(path, body);
  return {
    url: `${baseUrl}${path}`,
    mediaSequenceNumber: number,
    startSeconds: number * 2,
    durationSeconds: 2,
    digest: createHash('sha256').update(body).digest('hex'),
    pieces: null,
  };
}

function bytesOf(number: number): ArrayBuffer {
  return new Uint8Array(Buffer.alloc(20_000, number)).buffer;
}

function playlist(first: number, last: number): RenditionPlaylist {
  const segments: MediaSegment[] = [];
  for (let number = first; number <= last; number += 1) segments.push(segment(number));
  return {
    track: 'main',
    url: `${baseUrl}/720p/index.m3u8`,
    isLive: true,
    targetDurationSeconds: 2,
    segments,
  };
}

function open(initial: RenditionPlaylist): RenditionDelivery {
  const nowMs = (): number => performance.now();
  subject = new RenditionDelivery(
    {
      store: new SegmentStore(1_000_000),
      cdn: new CdnFetcher({ fetch: (input, init) => fetch(input, init), nowMs }),
      viewerId: 'me',
      nowMs,
      events: {
        onDelivered: (source, sizeBytes) => counted.push({ source, sizeBytes }),
        onDiscarded: (sizeBytes) => {
          discardedBytes += sizeBytes;
        },
        onUploaded: () => {},
        onPeerCount: () => {},
      },
    },
    initial,
  );
  return subject;
}

function join(delivery: RenditionDelivery, neighbourIds: readonly string[]): ScriptedExchange {
  let exchange: ScriptedExchange | null = null;
  delivery.setExchange((_playlist, listener) => {
    exchange = new ScriptedExchange(listener, neighbourIds);
    return exchange;
  });
  if (exchange === null) throw new Error('no exchange was opened');
  return exchange;
}

const never = new AbortController().signal;

describe('RenditionDelivery', () => {
  it('takes what the player waits for from the CDN at once when nobody else is there', async () => {
    const delivery = open(playlist(1, 3));
    const delivered = await delivery.load(segment(1), never);
    expect(delivered.source).toBe('cdn');
    expect(delivered.transfer).not.toBeNull();
    expect(counted).toEqual([{ source: 'cdn', sizeBytes: 20_000 }]);
    expect(requests).toEqual(['/1.m4s']);
  });

  it('gives the player what a peer has sent, and counts it once', async () => {
    const delivery = open(playlist(1, 1));
    await delivery.load(segment(1), never);
    const exchange = join(delivery, ['other']);
    delivery.updatePlaylist(playlist(1, 4));
    const loading = delivery.load(segment(4), never);
    exchange.listener.onReceiving(segment(4));
    exchange.listener.onReceived(segment(4), bytesOf(4));
    expect((await loading).source).toBe('peer');
    expect((await delivery.load(segment(4), never)).source).toBe('peer');
    expect(counted.filter(({ source }) => source === 'peer')).toEqual([
      { source: 'peer', sizeBytes: 20_000 },
    ]);
  });

  it('gives away copies, so that nobody can spoil what the store holds', async () => {
    const delivery = open(playlist(1, 1));
    const first = await delivery.load(segment(1), never);
    new Uint8Array(first.bytes).fill(0xff);
    const second = await delivery.load(segment(1), never);
    expect(new Uint8Array(second.bytes)[0]).toBe(1);
  });

  it('does not wait for a slow peer when the play head is near', async () => {
    const delivery = open(playlist(1, 2));
    const exchange = join(delivery, ['other']);
    const loading = delivery.load(segment(1), never);
    exchange.listener.onReceiving(segment(1));
    expect((await loading).source).toBe('cdn');
  });

  it('discards what a peer sends of a segment that has come already', async () => {
    const delivery = open(playlist(1, 1));
    await delivery.load(segment(1), never);
    const exchange = join(delivery, ['other']);
    exchange.listener.onReceived(segment(1), bytesOf(1));
    expect(discardedBytes).toBe(20_000);
    expect(counted).toHaveLength(1);
  });

  it('asks once more past the caches when the CDN’s bytes are wrong, then fails', async () => {
    const delivery = open(playlist(1, 1));
    bodies.set('/1.m4s', Buffer.from('truncated'));
    const wrong = { ...segment(1) };
    bodies.set('/1.m4s', Buffer.from('truncated'));
    await expect(delivery.load(wrong, never)).rejects.toThrow(CdnError);
    expect(requests).toEqual(['/1.m4s', '/1.m4s']);
    expect(counted).toEqual([]);
  });

  it('tells the player of a failing CDN and delivers when it is asked again', async () => {
    const delivery = open(playlist(1, 1));
    failures = 1;
    await expect(delivery.load(segment(1), never)).rejects.toMatchObject({ status: 503 });
    expect((await delivery.load(segment(1), never)).source).toBe('cdn');
  });

  it('stops waiting when the player aborts', async () => {
    const delivery = open(playlist(1, 1));
    const controller = new AbortController();
    const loading = delivery.load(segment(1), controller.signal);
    controller.abort();
    await expect(loading).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('goes on from the CDN after leaving the swarm', async () => {
    const delivery = open(playlist(1, 2));
    const exchange = join(delivery, ['other']);
    delivery.setExchange(null);
    expect(exchange.isClosed).toBe(true);
    expect((await delivery.load(segment(2), never)).source).toBe('cdn');
  });

  it('fetches nothing any more for a rendition in the background', async () => {
    const delivery = open(playlist(1, 1));
    await delivery.load(segment(1), never);
    delivery.setActive(false);
    delivery.updatePlaylist(playlist(1, 3));
    await pollUntil(() => requests.length === 1, {
      timeoutMs: 1_000,
      description: 'only the first request',
    });
    expect(requests).toEqual(['/1.m4s']);
  });
});
