// The links of the pictures as the sound uses them: those of all renditions that are open, since the sound
// goes on when the rendition changes. One for each playback, owned by hybrid-delivery.

import type { RingPosition } from '../scheduler/scheduler-actions.ts';
import { encodeBye, type PieceMessage } from './piece-messages.ts';
import type { TrackLinks, TrackListener } from './track-links.ts';

/** The links of one rendition of the pictures. */
export interface SoundHost {
  readonly bufferedBytes: number;
  sendSound(id: string, message: Uint8Array, body?: Uint8Array): boolean;
  drop(id: string, banMs: number): void;
}

/** The tracker's word on a swarm of the pictures. */
interface Swarm {
  readonly ring: RingPosition | null;
  readonly viewerCount: number;
}

export class SoundLinks {
  /** Of the rendition that is played last. */
  readonly #hosts = new Map<SoundHost, Swarm | null>();
  /** To each viewer, the links that lead to it, the oldest first. */
  readonly #ways = new Map<string, SoundHost[]>();
  #listener: TrackListener | null = null;

  /** The sound that is played now uses the links; the one before it does so no longer. */
  use(listener: TrackListener): TrackLinks {
    this.#leave();
    this.#listener = listener;
    // Who uses them has them in hand by then, and can greet.
    queueMicrotask(() => {
      if (!this.isUsedBy(listener)) return;
      this.#tellSwarm();
      for (const id of this.#ways.keys()) listener.onLink(id);
    });
    return new LinksInUse(this, listener);
  }

  /** Does nothing when another sound uses the links. */
  leave(listener: TrackListener): void {
    if (this.isUsedBy(listener)) this.#leave();
  }

  isUsedBy(listener: TrackListener): boolean {
    return this.#listener === listener;
  }

  get bufferedBytes(): number {
    let sizeBytes = 0;
    for (const host of this.#hosts.keys()) sizeBytes += host.bufferedBytes;
    return sizeBytes;
  }

  send(id: string, message: Uint8Array, body?: Uint8Array): boolean {
    return this.#ways.get(id)?.[0]?.sendSound(id, message, body) ?? false;
  }

  /** What a viewer does wrong in the sound it does wrong altogether; who leaves it may stay for pictures. */
  drop(id: string, banMs: number): void {
    if (banMs === 0) this.#listener?.onLinkClosed(id);
    else for (const host of [...(this.#ways.get(id) ?? [])]) host.drop(id, banMs);
  }

  /** The pictures of these links are played: the sound follows their swarm. */
  follow(host: SoundHost): void {
    const swarm = this.#hosts.get(host) ?? null;
    this.#hosts.delete(host);
    this.#hosts.set(host, swarm);
    this.#tellSwarm();
  }

  swarmChanged(host: SoundHost, ring: RingPosition | null, viewerCount: number): void {
    if (!this.#hosts.has(host)) return;
    this.#hosts.set(host, { ring, viewerCount });
    this.#tellSwarm();
  }

  linkOpened(host: SoundHost, id: string): void {
    const ways = this.#ways.get(id);
    if (ways) ways.push(host);
    else {
      this.#ways.set(id, [host]);
      this.#listener?.onLink(id);
    }
  }

  linkClosed(host: SoundHost, id: string): void {
    const ways = this.#ways.get(id)?.filter((each) => each !== host);
    if (ways === undefined) return;
    if (ways.length > 0) this.#ways.set(id, ways);
    else {
      this.#ways.delete(id);
      this.#listener?.onLinkClosed(id);
    }
  }

  received(id: string, messages: readonly PieceMessage[]): void {
    this.#listener?.onMessages(id, messages);
  }

  /** All links of a rendition are closed. */
  hostClosed(host: SoundHost): void {
    this.#hosts.delete(host);
    for (const id of [...this.#ways.keys()]) this.linkClosed(host, id);
    this.#tellSwarm();
  }

  #tellSwarm(): void {
    const swarm = [...this.#hosts.values()].at(-1);
    if (swarm) this.#listener?.onSwarm(swarm.ring, swarm.viewerCount);
  }

  #leave(): void {
    const listener = this.#listener;
    if (listener === null) return;
    for (const id of this.#ways.keys()) this.send(id, encodeBye());
    this.#listener = null;
    for (const id of this.#ways.keys()) listener.onLinkClosed(id);
  }
}

/** The links in the hands of one sound, until another uses them. */
class LinksInUse implements TrackLinks {
  readonly #links: SoundLinks;
  readonly #listener: TrackListener;

  constructor(links: SoundLinks, listener: TrackListener) {
    this.#links = links;
    this.#listener = listener;
  }

  get #isInUse(): boolean {
    return this.#links.isUsedBy(this.#listener);
  }

  get bufferedBytes(): number {
    return this.#isInUse ? this.#links.bufferedBytes : 0;
  }

  send(id: string, message: Uint8Array, body?: Uint8Array): boolean {
    return this.#isInUse && this.#links.send(id, message, body);
  }

  drop(id: string, banMs: number): void {
    if (this.#isInUse) this.#links.drop(id, banMs);
  }

  comeForward(): void {
    if (!this.#isInUse) this.#links.use(this.#listener);
  }

  close(): void {
    this.#links.leave(this.#listener);
  }

  // How many links there are is the pictures' affair.
  meet(): void {}
  acceptMore(): void {}
  setMinViewers(): void {}
}
