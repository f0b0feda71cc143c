// What one address may do at once: sockets it holds and announces it makes. The signalling server
// asks for every socket and announce; an address without sockets is forgotten.

import { type Rate, TokenBucket } from './token-bucket.ts';

export interface AddressLimits {
  readonly maxSocketsPerAddress: number;
  readonly announcesPerAddress: Rate;
}

interface Entry {
  socketCount: number;
  readonly announces: TokenBucket;
}

export class AddressBook {
  readonly #limits: AddressLimits;
  readonly #entries = new Map<string, Entry>();

  constructor(limits: AddressLimits) {
    this.#limits = limits;
  }

  /** Whether one more socket from this address fits. */
  hasRoom(addressKey: string): boolean {
    return (this.#entries.get(addressKey)?.socketCount ?? 0) < this.#limits.maxSocketsPerAddress;
  }

  enter(addressKey: string, nowMs: number): void {
    const entry = this.#entries.get(addressKey) ?? {
      socketCount: 0,
      announces: new TokenBucket(this.#limits.announcesPerAddress, nowMs),
    };
    entry.socketCount += 1;
    this.#entries.set(addressKey, entry);
  }

  leave(addressKey: string): void {
    const entry = this.#entries.get(addressKey);
    if (entry === undefined) return;
    entry.socketCount -= 1;
    if (entry.socketCount <= 0) this.#entries.delete(addressKey);
  }

  /** Whether one more announce from this address is allowed now; if so it is counted. */
  takeAnnounce(addressKey: string, nowMs: number): boolean {
    return this.#entries.get(addressKey)?.announces.take(nowMs) ?? true;
  }
}
