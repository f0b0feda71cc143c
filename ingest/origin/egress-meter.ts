// Counts the media bytes that the origin has sent, per stream: what the viewers' own figures are
// compared with. The server adds, the stream list and the metrics read.

import type { StreamId } from '../protocol/index.ts';

export class EgressMeter {
  readonly #bytes = new Map<StreamId, number>();

  /** Bytes of segments and init sections that a socket took. */
  add(stream: StreamId, bytes: number): void {
    this.#bytes.set(stream, this.totalBytes(stream) + bytes);
  }

  /** Since the service started. */
  totalBytes(stream: StreamId): number {
    return this.#bytes.get(stream) ?? 0;
  }

  get totals(): ReadonlyMap<StreamId, number> {
    return this.#bytes;
  }
}
