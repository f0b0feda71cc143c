// The links of one rendition of the pictures, on which the sound that goes with them travels too: one
// connection to each viewer instead of two. Above piece-links, below piece-delivery and sound-links.

import { PieceLinks, type PieceLinksOptions } from './piece-links.ts';
import { aboutSound, decodeMessages, encodeBye } from './piece-messages.ts';
import type { SoundHost, SoundLinks } from './sound-links.ts';
import { refusalMs, type TrackLinks, type TrackListener } from './track-links.ts';

export class PictureLinks implements TrackLinks, SoundHost {
  readonly #links: PieceLinks;
  readonly #pictures: TrackListener;
  readonly #sound: SoundLinks;

  constructor(
    options: Omit<PieceLinksOptions, 'goodbye'>,
    pictures: TrackListener,
    sound: SoundLinks,
  ) {
    this.#pictures = pictures;
    this.#sound = sound;
    sound.follow(this);
    this.#links = new PieceLinks(
      { ...options, goodbye: encodeBye() },
      {
        onLink: (id) => {
          pictures.onLink(id);
          sound.linkOpened(this, id);
        },
        onLinkClosed: (id) => {
          pictures.onLinkClosed(id);
          sound.linkClosed(this, id);
        },
        onMessage: (id, data) => this.#take(id, data),
        onSwarm: (ring, viewerCount) => {
          pictures.onSwarm(ring, viewerCount);
          sound.swarmChanged(this, ring, viewerCount);
        },
      },
    );
  }

  send(id: string, message: Uint8Array, body?: Uint8Array): boolean {
    return this.#links.send(id, message, body);
  }

  sendSound(id: string, message: Uint8Array, body?: Uint8Array): boolean {
    return this.#links.send(id, aboutSound(message), body);
  }

  get bufferedBytes(): number {
    return this.#links.bufferedBytes;
  }

  meet(): void {
    this.#links.meet();
  }

  acceptMore(isStrong: boolean): void {
    this.#links.acceptMore(isStrong);
  }

  drop(id: string, banMs: number): void {
    this.#links.drop(id, banMs);
  }

  setMinViewers(minViewers: number): void {
    this.#links.setMinViewers(minViewers);
  }

  comeForward(): void {
    this.#sound.follow(this);
  }

  close(): void {
    this.#links.close();
    this.#sound.hostClosed(this);
  }

  #take(id: string, data: Uint8Array<ArrayBuffer>): void {
    const messages = decodeMessages(data);
    if (messages === null) {
      this.send(id, encodeBye());
      this.drop(id, refusalMs);
      return;
    }
    if (messages.main.length > 0) this.#pictures.onMessages(id, messages.main);
    if (messages.audio.length > 0) this.#sound.received(id, messages.audio);
  }
}
