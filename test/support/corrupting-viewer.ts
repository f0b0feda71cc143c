// A viewer that behaves well except that every segment it serves to others is not what it should
// be: the attack of "Stealthy Peers" (DSN 2024), for the tests that must withstand it.

import { SegmentStore } from '@shoal/player/delivery';

/** Stands at every 1 KiB of what a corrupting viewer serves; occurs in no real segment. */
export const corruptionMark = 'SHOAL-CORRUPTED-BY-A-PEER';

const markBytes = new TextEncoder().encode(corruptionMark);

export class CorruptingStore extends SegmentStore {
  #servedSegments = 0;

  /** How many segments it has given to other viewers. */
  get servedSegments(): number {
    return this.#servedSegments;
  }

  override serve(url: string): ArrayBuffer | undefined {
    const bytes = super.serve(url)?.slice(0);
    if (bytes === undefined) return undefined;
    this.#servedSegments += 1;
    const view = new Uint8Array(bytes);
    for (let offset = 0; offset + markBytes.length <= view.length; offset += 1_024)
      view.set(markBytes, offset);
    return bytes;
  }
}
