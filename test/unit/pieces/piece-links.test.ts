// Whom a viewer offers connections, and what becomes of them when it leaves. player/delivery/pieces/
// piece-links.ts, with a tracker in memory.

import { beforeEach, expect, it } from 'vitest';
import type {
  PeerConnection,
  TrackerClient,
  TrackerClientClass,
} from '../../../player/delivery/pieces/peer-connection.ts';
import { PieceLinks } from '../../../player/delivery/pieces/piece-links.ts';
import { encodeBye } from '../../../player/delivery/pieces/piece-messages.ts';
import { MemoryPeer } from '../../support/memory-peers.ts';

let offers: number[];
let answer: (viewerCount: number) => void;
let introduce: (peer: PeerConnection) => void;
let links: PieceLinks;

beforeEach(() => {
  offers = [];
  class MemoryTracker implements TrackerClient {
    readonly #options: ConstructorParameters<TrackerClientClass>[0];

    constructor(options: ConstructorParameters<TrackerClientClass>[0]) {
      this.#options = options;
    }

    on(event: string, listener: (value: never) => void): void {
      if (event === 'peer') introduce = listener as (peer: PeerConnection) => void;
      if (event === 'update')
        answer = (viewerCount) =>
          (listener as (value: unknown) => void)({ complete: viewerCount, incomplete: 0 });
    }

    start(): void {
      this.update();
    }

    update(): void {
      offers.push(this.#options.getAnnounceOpts?.().numwant ?? Number.NaN);
    }

    destroy(): void {}
  }
  links = new PieceLinks(
    {
      clientClass: MemoryTracker,
      trackerUrl: () => 'ws://tracker.invalid',
      infoHash: new Uint8Array(20),
      viewerId: '-SH0101-zzzzzzzzzzzz',
      connection: { iceServers: [] },
      maxLinks: 16,
      goodbye: encodeBye(),
      nowMs: () => performance.now(),
    },
    { onLink: () => {}, onLinkClosed: () => {}, onMessage: () => {}, onSwarm: () => {} },
  );
});

it('offers nothing before it knows how many there are', () => {
  expect(offers).toEqual([0]);
  answer(40);
  answer(40);
  expect(offers).toEqual([0, 5]);
  links.close();
});

it('offers nobody anything where it is alone', () => {
  answer(1);
  expect(offers).toEqual([0]);
  links.close();
});

it('offers as many as there are others in a small swarm', () => {
  answer(3);
  expect(offers).toEqual([0, 2]);
  links.close();
});

it('leaves no connection behind that was being made', () => {
  const peer = new MemoryPeer('-SH0101-aaaaaaaaaaaa');
  introduce(peer);
  links.close();
  expect(peer.destroyed).toBe(true);
});
