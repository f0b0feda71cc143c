// Gives a headless viewer the uplink of a home line: a token bucket on what its data channels send,
// for benchmarks on one machine, where the loopback would carry anything.

import type { PeerConnection, TrackerClientClass } from '@shoal/player/delivery';

/** Control messages pass free: they are a percent of the traffic and must not wait in the model. */
const freeMessageBytes = 1_024;

interface Queued {
  readonly atMs: number;
  readonly data: Uint8Array;
  readonly send: (data: Uint8Array) => void;
  readonly onSent: () => void;
}

/** One uplink, shared by all channels of a viewer, first come first served. */
export class Uplink {
  readonly #bytesPerMs: number;
  readonly #queue: Queued[] = [];
  #freeAtMs = 0;
  #isBusy = false;

  constructor(bitsPerSecond: number) {
    this.#bytesPerMs = bitsPerSecond / 8_000;
  }

  enqueue(queued: Queued): void {
    this.#queue.push(queued);
    if (!this.#isBusy) this.#next();
  }

  /** A message arrives when its last byte has passed. */
  #next(): void {
    const queued = this.#queue.shift();
    this.#isBusy = queued !== undefined;
    if (!queued) return;
    const nowMs = performance.now();
    // From when it could have begun: a late timer of a busy machine is not the line's.
    this.#freeAtMs = Math.max(queued.atMs, this.#freeAtMs) + queued.data.length / this.#bytesPerMs;
    setTimeout(() => {
      queued.onSent();
      queued.send(queued.data);
      this.#next();
    }, this.#freeAtMs - nowMs);
  }
}

/** The client's class with all its peers behind one uplink of `bitsPerSecond`. */
export function limitUplink(
  clientClass: TrackerClientClass,
  bitsPerSecond: number | undefined,
): TrackerClientClass {
  if (bitsPerSecond === undefined) return clientClass;
  const uplink = new Uplink(bitsPerSecond);
  return class extends clientClass {
    constructor(...parameters: ConstructorParameters<TrackerClientClass>) {
      super(...parameters);
      this.on('peer', (peer) => limitPeer(peer, uplink));
    }
  };
}

function limitPeer(peer: PeerConnection, uplink: Uplink): void {
  const send = peer.send.bind(peer);
  let waitingBytes = 0;
  Object.defineProperty(peer, 'bufferSize', { get: () => waitingBytes });
  peer.send = (data) => {
    if (data.length <= freeMessageBytes) {
      send(data);
      return;
    }
    waitingBytes += data.length;
    uplink.enqueue({
      atMs: performance.now(),
      data,
      send: (each) => {
        // The link may have gone while this waited; its owner hears of that by itself.
        if (peer.destroyed) return;
        try {
          send(each);
        } catch {
          peer.destroy();
        }
      },
      onSent: () => {
        waitingBytes -= data.length;
      },
    });
  };
}
