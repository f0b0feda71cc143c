// A bad network between a publisher and the server: a UDP relay that delays, drops and reorders
// packets in both directions, and can be cut. Offers and answers are rewritten to lead through it.

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

export interface NetworkFaults {
  /** Share of packets that vanish, 0 to 1. */
  readonly lossRatio: number;
  /** One way. */
  readonly delayMs: number;
  /** Share of packets that are held back for `reorderMs` more, so that later ones overtake. */
  readonly reorderRatio: number;
  readonly reorderMs: number;
}

export const perfectNetwork: NetworkFaults = {
  lossRatio: 0,
  delayMs: 0,
  reorderRatio: 0,
  reorderMs: 0,
};

/** A repeatable sequence of numbers between 0 and 1 (mulberry32). */
function startRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class UdpRelay {
  readonly #front: Socket;
  readonly #random = startRandom(20_261_122);
  readonly #pending = new Set<NodeJS.Timeout>();
  /** Towards the server one socket for each of the client's, so that answers find back. */
  readonly #backs = new Map<string, Socket>();
  #faults: NetworkFaults;
  #isCut = false;
  #serverPort: number | null = null;
  #forwarded = 0;
  #dropped = 0;

  private constructor(front: Socket, faults: NetworkFaults) {
    this.#front = front;
    this.#faults = faults;
    front.on('message', (packet, from) => {
      const port = this.#serverPort;
      if (port === null) return;
      const back = this.#backFor(from.address, from.port);
      this.#carry(() => back.send(packet, port, '127.0.0.1'));
    });
  }

  static async start(faults: NetworkFaults = perfectNetwork): Promise<UdpRelay> {
    const front = createSocket('udp4');
    front.bind(0, '127.0.0.1');
    await once(front, 'listening');
    return new UdpRelay(front, faults);
  }

  get counters(): { readonly forwarded: number; readonly dropped: number } {
    return { forwarded: this.#forwarded, dropped: this.#dropped };
  }

  setFaults(faults: NetworkFaults): void {
    this.#faults = faults;
  }

  /** Nothing passes any more, as when the publisher's machine lost its power. */
  cut(): void {
    this.#isCut = true;
  }

  /** Lets packets pass again. */
  mend(): void {
    this.#isCut = false;
  }

  /** The offer without candidates: the server must not find a way around the relay. */
  rewriteOffer(sdp: string): string {
    return sdp.replace(/a=candidate:.*\r\n/g, '');
  }

  /** The answer with the relay as its only candidate. */
  rewriteAnswer(sdp: string): string {
    const pattern = /a=candidate:(\S+) 1 (\S+) (\d+) 127\.0\.0\.1 (\d+) typ host.*\r\n/gi;
    this.#serverPort = Number(pattern.exec(sdp)?.[4]);
    const front = `a=candidate:1 1 UDP 2130706431 127.0.0.1 ${this.#front.address().port} typ host\r\n`;
    let isFirst = true;
    return sdp.replace(/a=candidate:.*\r\n/g, () => {
      const line = isFirst ? front : '';
      isFirst = false;
      return line;
    });
  }

  close(): void {
    for (const timer of this.#pending) clearTimeout(timer);
    this.#pending.clear();
    this.#front.close();
    for (const back of this.#backs.values()) back.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #backFor(address: string, port: number): Socket {
    const key = `${address}:${port}`;
    const known = this.#backs.get(key);
    if (known !== undefined) return known;
    const back = createSocket('udp4');
    back.bind(0, '127.0.0.1');
    back.on('message', (packet) => {
      this.#carry(() => this.#front.send(packet, port, address));
    });
    this.#backs.set(key, back);
    return back;
  }

  #carry(send: () => void): void {
    const { lossRatio, delayMs, reorderRatio, reorderMs } = this.#faults;
    if (this.#isCut || this.#random() < lossRatio) {
      this.#dropped += 1;
      return;
    }
    this.#forwarded += 1;
    const waitMs = delayMs + (this.#random() < reorderRatio ? reorderMs : 0);
    if (waitMs === 0) {
      send();
      return;
    }
    const timer = setTimeout(() => {
      this.#pending.delete(timer);
      send();
    }, waitMs);
    this.#pending.add(timer);
  }
}
