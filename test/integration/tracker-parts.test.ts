// A swarm that is split: viewers of one network meet each other, every part has a ring of its own,
// and a viewer that moves to another part keeps being answered. Real sockets, small parts.

import { once } from 'node:events';
import { Tracker } from '@shoal/tracker';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { pollUntil } from '../support/poll-until.ts';

const infoHash = 'a swarm of two parts'.padEnd(20, '.').slice(0, 20);
const offers = Array.from({ length: 5 }, (_, index) => ({
  offer_id: `offer-${index}`,
  offer: { type: 'offer', sdp: 'sdp' },
}));

interface Answer {
  readonly interval?: number;
  readonly incomplete?: number;
  readonly offer?: object;
  readonly peer_id?: string;
  readonly shoal?: {
    readonly position: number;
    readonly gap: number;
    readonly capableCount: number;
  };
  readonly 'failure reason'?: string;
}

class Viewer {
  readonly peerId: string;
  readonly network: string;
  /** Peer ids whose offers came here. */
  readonly offeredBy = new Set<string>();
  answer: Answer | null = null;
  readonly socket: WebSocket;

  constructor(url: string, network: string, number: number) {
    this.network = network;
    this.peerId = `-SH0101-${network}${String(number).padStart(11, '0')}`;
    const address = `198.51.${network.charCodeAt(0)}.${number + 1}`;
    this.socket = new WebSocket(url, { headers: { 'x-forwarded-for': address } });
    this.socket.on('error', () => {});
    this.socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as Answer;
      if (message.offer !== undefined && message.peer_id !== undefined) {
        this.offeredBy.add(message.peer_id);
      } else this.answer = message;
    });
  }

  async announce(shoal?: object): Promise<Answer> {
    if (this.socket.readyState !== WebSocket.OPEN) await once(this.socket, 'open');
    this.answer = null;
    this.socket.send(
      JSON.stringify({
        ...{ action: 'announce', info_hash: infoHash, peer_id: this.peerId },
        ...{ numwant: offers.length, offers, shoal },
      }),
    );
    return await pollUntil(() => this.answer, {
      timeoutMs: 10_000,
      intervalMs: 5,
      description: 'an answer to the announce',
    });
  }
}

let tracker: Tracker;
let viewers: Viewer[] = [];

beforeEach(async () => {
  tracker = await Tracker.start({
    port: 0,
    drainMs: 0,
    trustProxy: true,
    maxPeersPerPart: 12,
    maxPeersPerSwarm: 40,
  });
});

afterEach(async () => {
  for (const { socket } of viewers) socket.terminate();
  viewers = [];
  await tracker.close('the test is over');
});

async function joinNetwork(network: string, count: number): Promise<Viewer[]> {
  const joined = Array.from(
    { length: count },
    (_, number) => new Viewer(tracker.webSocketUrl, network, number),
  );
  viewers.push(...joined);
  for (const viewer of joined) await viewer.announce();
  return joined;
}

describe('a swarm that is too large for one part', () => {
  it('is split by network without anybody noticing, with a ring for each part', async () => {
    const networks = ['a', 'b', 'c', 'd'];
    for (const network of networks) await joinNetwork(network, 6);
    // Those who belong to the new part move with their next announce.
    for (const viewer of viewers) await viewer.announce();
    const answers: Answer[] = [];
    for (const viewer of viewers) answers.push(await viewer.announce());
    // 24 viewers in parts of 12 at most: the size that an answer names is that of the part.
    const sizes = answers.map(({ incomplete = 0 }) => incomplete);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(12);
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(6);
    expect(answers.map(({ shoal }) => shoal?.capableCount)).toEqual(sizes);
    // Newcomers meet viewers of their own network, and only those of the part where it is.
    for (const viewer of viewers) viewer.offeredBy.clear();
    for (const network of networks) {
      const newcomer = new Viewer(tracker.webSocketUrl, network, 50);
      viewers.push(newcomer);
      await newcomer.announce();
      const met = await pollUntil(
        () => {
          const asked = viewers.filter(({ offeredBy }) => offeredBy.has(newcomer.peerId));
          return asked.length === offers.length && new Set(asked.map((each) => each.network));
        },
        { timeoutMs: 5_000, description: 'all offers of the newcomer handed out' },
      );
      expect(met.has(network)).toBe(true);
      expect(met.size).toBeLessThanOrEqual(2);
    }
  });

  it('introduces a viewer in need to those who say that they have room', async () => {
    await joinNetwork('a', 7);
    const roomy = await joinNetwork('b', 4);
    for (const viewer of roomy) await viewer.announce({ isStrong: true, hasRoom: true });
    const newcomer = new Viewer(tracker.webSocketUrl, 'a', 50);
    viewers.push(newcomer);
    await newcomer.announce({ isStrong: false, hasRoom: false, isInNeed: true });
    await pollUntil(() => roomy.every(({ offeredBy }) => offeredBy.has(newcomer.peerId)), {
      timeoutMs: 5_000,
      description: 'offers to everybody who has room',
    });
  });

  it('takes no more viewers than it may have, and tells a proxy to ask the next tracker', async () => {
    for (const network of ['a', 'b', 'c', 'd', 'e']) await joinNetwork(network, 8);
    const path = `/swarm/${Buffer.from(infoHash).toString('hex')}`;
    const statusFrom = async (address: string): Promise<number> => {
      const socket = new WebSocket(`${tracker.webSocketUrl}${path}`, {
        headers: { 'x-forwarded-for': address },
      });
      socket.on('error', () => {});
      const status = await Promise.race([
        once(socket, 'open').then(() => 101),
        once(socket, 'unexpected-response').then(([, response]) => Number(response.statusCode)),
      ]);
      socket.terminate();
      return status;
    };
    expect(await statusFrom('203.0.113.7')).toBe(404);
    // A few more from a network that is here, so that it stays together.
    expect(await statusFrom('198.51.97.200')).toBe(101);
    const stranger = new Viewer(tracker.webSocketUrl, 'z', 0);
    viewers.push(stranger);
    expect((await stranger.announce())['failure reason']).toBe('the swarm is full');
  });
});
