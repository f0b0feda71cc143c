// A tracker client and peers without a network: what one side sends is at once at the other. For
// unit tests of what comes over links; the links themselves are the real ones.

import type {
  PeerConnection,
  TrackerClient,
  TrackerClientClass,
} from '../../player/delivery/pieces/peer-connection.ts';

type Listener = (data: Uint8Array<ArrayBuffer>) => void;

/** One end of a link; what it is sent can be read in `received`. */
export class MemoryPeer implements PeerConnection {
  readonly id: string;
  readonly initiator = false;
  readonly bufferSize = 0;
  readonly received: Uint8Array[] = [];
  destroyed = false;
  readonly #listeners = new Map<string, Listener[]>();

  /** @param viewerId of the stranger at the other end */
  constructor(viewerId: string) {
    this.id = Buffer.from(viewerId).toString('hex');
  }

  /** The viewer under test sends. */
  send(data: Uint8Array): void {
    this.received.push(data);
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.emit('close');
  }

  on(event: string, listener: Listener): void {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
  }

  /** The stranger connects, or sends. */
  emit(event: string, data: Uint8Array = new Uint8Array()): void {
    for (const listener of this.#listeners.get(event) ?? []) listener(new Uint8Array(data));
  }
}

/** The class for one viewer under test, and how strangers come to it. */
export function memoryTrackerClient(): {
  readonly clientClass: TrackerClientClass;
  readonly meet: (viewerId: string) => MemoryPeer;
  /** The viewer has asked for others. */
  readonly isOpen: () => boolean;
} {
  const admit: ((peer: PeerConnection) => void)[] = [];
  class MemoryTrackerClient implements TrackerClient {
    on(event: string, listener: (value: never) => void): void {
      if (event === 'peer') admit.push(listener as (peer: PeerConnection) => void);
    }
    start(): void {}
    update(): void {}
    destroy(): void {}
  }
  return {
    clientClass: MemoryTrackerClient,
    meet: (viewerId) => {
      const peer = new MemoryPeer(viewerId);
      for (const each of admit) each(peer);
      peer.emit('connect');
      return peer;
    },
    isOpen: () => admit.length > 0,
  };
}
