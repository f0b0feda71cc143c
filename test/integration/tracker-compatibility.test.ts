// bittorrent-tracker's own client against our tracker: the cases of the published tests of that
// project that are about a WebSocket server, in our words. What is left out, and why, is below.
//
// Not for us: HTTP, UDP and IPv6 variants (we serve WebSockets); `stats` pages, `requestHandler` and
// the server's own `torrents` object (options of the library's server, which is inside ours);
// `evict` (the library forgets the least recent peer of a full swarm; ours refuses the newcomer, see
// "full" below); a scrape of everything (it tells strangers what is being watched: refused).

import { once } from 'node:events';
import { Tracker, type TrackerOptions } from '@shoal/tracker';
import Client, { type AnnounceClient } from 'bittorrent-tracker/client';
import { afterEach, describe, expect, it } from 'vitest';
import { startListingIngest } from '../support/listing-ingest.ts';
import { pollUntil } from '../support/poll-until.ts';

const cleanups: (() => Promise<unknown>)[] = [];
const infoHash = 'd2474e86c95b19b8bcfdb92bc12c9d44667cfa36';
let pathCount = 0;

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function startTracker(options: Partial<TrackerOptions> = {}): Promise<Tracker> {
  const tracker = await Tracker.start({ port: 0, drainMs: 0, ...options });
  cleanups.push(() => tracker.close('the test is over'));
  return tracker;
}

/** Its announces carry no offers, as in the published tests: these cases are not about WebRTC. */
function createClient(tracker: Tracker, number: number, options: object = {}): AnnounceClient {
  // A path of its own: clients of one process share a socket for one URL.
  pathCount += 1;
  const client = new Client({
    infoHash,
    peerId: Buffer.from(`0123456789012345678${number}`),
    announce: [`${tracker.webSocketUrl}/client-${pathCount}`],
    port: 6881,
    ...options,
  });
  client.on('error', () => {});
  for (const each of client._trackers) {
    each._generateOffers = (_count: number, done: (offers: readonly []) => void) => done([]);
  }
  cleanups.push(() => destroy(client));
  return client;
}

async function destroy(client: AnnounceClient): Promise<void> {
  if (client.destroyed) return;
  await new Promise<void>((resolve) => client.destroy(() => resolve()));
}

interface Update {
  readonly announce: string;
  readonly complete: number;
  readonly incomplete: number;
  readonly downloaded?: number;
  readonly infoHash?: string;
}

async function next(client: AnnounceClient, event: string, act: () => void): Promise<Update> {
  const answer = once(client, event) as Promise<[Update]>;
  act();
  return (await answer)[0];
}

describe('the published cases of bittorrent-tracker’s server', () => {
  it('server: counts who starts, completes, stops and goes, and says so in every answer', async () => {
    const tracker = await startTracker();
    const first = createClient(tracker, 1);
    const started = await next(first, 'update', () => first.start());
    expect(started).toMatchObject({ complete: 0, incomplete: 1 });
    expect(started.announce).toContain(tracker.webSocketUrl);
    const completed = await next(first, 'update', () => first.complete());
    expect(completed).toMatchObject({ complete: 1, incomplete: 0 });
    const scraped = await next(first, 'scrape', () => first.scrape());
    expect(scraped).toMatchObject({ complete: 1, incomplete: 0, downloaded: expect.any(Number) });

    const second = createClient(tracker, 2);
    expect(await next(second, 'update', () => second.start())).toMatchObject({
      complete: 1,
      incomplete: 1,
    });
    const third = createClient(tracker, 3);
    expect(await next(third, 'update', () => third.start())).toMatchObject({
      complete: 1,
      incomplete: 2,
    });
    expect(await next(second, 'update', () => second.stop())).toMatchObject({
      complete: 1,
      incomplete: 1,
    });
    await destroy(second);
    expect(await next(third, 'update', () => third.stop())).toMatchObject({
      complete: 1,
      incomplete: 0,
    });
  });

  it('scrape: answers for one info hash, also to the static method', async () => {
    const tracker = await startTracker();
    const client = createClient(tracker, 1);
    expect(await next(client, 'scrape', () => client.scrape())).toMatchObject({
      infoHash,
      complete: 0,
      incomplete: 0,
      downloaded: expect.any(Number),
    });
    const announce = `${tracker.webSocketUrl}/static`;
    const scraped = await new Promise<Update>((resolve, reject) => {
      Client.scrape({ announce, infoHash }, (error, data) => {
        if (error !== null) reject(error);
        else resolve(data as Update);
      });
    });
    expect(scraped).toMatchObject({ infoHash, complete: 0, incomplete: 0 });
  });

  it('client: start, update, stop and announces with parameters of their own are answered', async () => {
    const tracker = await startTracker();
    const client = createClient(tracker, 1, {
      getAnnounceOpts: () => ({ testParam: 'this is a test' }),
    });
    for (const act of [() => client.start(), () => client.update(), () => client.stop()]) {
      expect(await next(client, 'update', act)).toMatchObject({
        complete: expect.any(Number),
        incomplete: expect.any(Number),
      });
    }
  });

  it('client: stop followed by destroy leaves the swarm', async () => {
    const tracker = await startTracker();
    const client = createClient(tracker, 1);
    await next(client, 'update', () => client.start());
    client.stop();
    await destroy(client);
    const other = createClient(tracker, 2);
    await pollUntil(
      async () => (await next(other, 'scrape', () => other.scrape())).incomplete === 0,
      { timeoutMs: 5_000, description: 'an empty swarm' },
    );
  });

  it('destroy: no update comes after it', async () => {
    const tracker = await startTracker();
    const client = createClient(tracker, 1);
    let isDestroyed = false;
    let lateUpdates = 0;
    client.on('update', () => {
      if (isDestroyed) lateUpdates += 1;
    });
    await next(client, 'update', () => client.start());
    client.update();
    isDestroyed = true;
    await destroy(client);
    const other = createClient(tracker, 2);
    await next(other, 'update', () => other.start());
    expect(lateUpdates).toBe(0);
  });

  it('socket pool: two clients on one URL share a socket, and both end', async () => {
    const tracker = await startTracker();
    const announce = [`${tracker.webSocketUrl}/shared`];
    const first = createClient(tracker, 1, { announce });
    const second = createClient(tracker, 2, { announce, infoHash: infoHash.replace('d2', 'd3') });
    await Promise.all([
      next(first, 'update', () => first.start()),
      next(second, 'update', () => second.start()),
    ]);
    expect(
      (await (await fetch(`${tracker.url}/metrics`)).text()).match(
        /^shoal_tracker_sockets (.*)$/m,
      )?.[1],
    ).toBe('1');
    await destroy(first);
    await destroy(second);
  });

  it('filter: a client whose stream is not on the list gets no swarm, one whose stream is does', async () => {
    const ingest = await startListingIngest();
    cleanups.push(() => ingest.close());
    const tracker = await startTracker({
      knownStreamsOnly: true,
      ingestUrl: ingest.url,
      egressPollMs: 50,
    });
    const answerWith = async (query: string): Promise<string> => {
      const client = createClient(tracker, 1, {
        announce: [`${tracker.webSocketUrl}/${query}`],
      });
      const result = Promise.race([
        once(client, 'update').then(() => 'update'),
        once(client, 'warning').then(() => 'warning'),
      ]);
      client.start();
      const name = await result;
      await destroy(client);
      return name;
    };
    await pollUntil(async () => (await answerWith('?stream=demo')) === 'update', {
      timeoutMs: 10_000,
      description: 'a stream that ingest has',
    });
    expect(await answerWith('?stream=alice')).toBe('warning');
    expect(await answerWith('')).toBe('warning');
    const metrics = await (await fetch(`${tracker.url}/metrics`)).text();
    expect(metrics).toMatch(/^shoal_tracker_refused_sockets_total\{reason="stream"\} [1-9]/m);
  });

  it('full: a swarm with no more room refuses the newcomer and keeps those who are there', async () => {
    const tracker = await startTracker({ maxPeersPerSwarm: 2, trustProxy: true });
    const clients = [1, 2, 3].map((number) => createClient(tracker, number));
    const [first, second, third] = clients;
    if (!first || !second || !third) throw new Error('three clients');
    for (const client of [first, second]) await next(client, 'update', () => client.start());
    const refused = once(third, 'warning');
    third.start();
    expect(String((await refused)[0])).toContain('the swarm is full');
    expect(await next(first, 'scrape', () => first.scrape())).toMatchObject({ incomplete: 2 });
  });
});
