// Counts what peers have sent for segments that are not complete, so that every byte ends up
// either played or discarded. The core's events name the peer of a chunk, not its segment.

interface Transfer {
  peerId: string | undefined;
  sizeBytes: number;
}

export class ReceivedBytes {
  readonly #onDiscarded: (sizeBytes: number) => void;
  /** By segment URL. A transfer that another peer resumes keeps what it has. */
  readonly #transfers = new Map<string, Transfer>();

  constructor(onDiscarded: (sizeBytes: number) => void) {
    this.#onDiscarded = onDiscarded;
  }

  begin(url: string, peerId: string | undefined): void {
    const transfer = this.#transfers.get(url);
    if (transfer) transfer.peerId = peerId;
    else this.#transfers.set(url, { peerId, sizeBytes: 0 });
  }

  /** A peer sends one segment at a time; a chunk that belongs to none came too late. */
  add(peerId: string | undefined, sizeBytes: number): void {
    for (const transfer of this.#transfers.values()) {
      if (transfer.peerId === peerId) {
        transfer.sizeBytes += sizeBytes;
        return;
      }
    }
    this.#onDiscarded(sizeBytes);
  }

  complete(url: string): void {
    this.#transfers.delete(url);
  }

  discard(url: string): void {
    const transfer = this.#transfers.get(url);
    this.#transfers.delete(url);
    if (transfer && transfer.sizeBytes > 0) this.#onDiscarded(transfer.sizeBytes);
  }

  discardAll(): void {
    for (const url of [...this.#transfers.keys()]) this.discard(url);
  }
}
