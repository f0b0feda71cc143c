// Counts what delivery reports: bytes by source, discarded, uploaded, and the neighbours of the
// moment. Pure; the session makes stats and beacons from it.

import { offloadRatio } from '@shoal/tracker/protocol';

export interface DeliveryTotals {
  readonly cdnBytes: number;
  readonly peerBytes: number;
  readonly uploadedBytes: number;
  readonly discardedBytes: number;
}

export class DeliveryMeter {
  #cdnBytes = 0;
  #peerBytes = 0;
  #uploadedBytes = 0;
  #discardedBytes = 0;
  #peerCount = 0;

  get totals(): DeliveryTotals {
    return {
      cdnBytes: this.#cdnBytes,
      peerBytes: this.#peerBytes,
      uploadedBytes: this.#uploadedBytes,
      discardedBytes: this.#discardedBytes,
    };
  }

  get offloadRatio(): number | null {
    return offloadRatio(this.totals);
  }

  get peerCount(): number {
    return this.#peerCount;
  }

  onDelivered(source: 'cdn' | 'peer', sizeBytes: number): void {
    if (source === 'cdn') this.#cdnBytes += sizeBytes;
    else this.#peerBytes += sizeBytes;
  }

  onDiscarded(sizeBytes: number): void {
    this.#discardedBytes += sizeBytes;
  }

  onUploaded(sizeBytes: number): void {
    this.#uploadedBytes += sizeBytes;
  }

  onPeerCount(peerCount: number): void {
    this.#peerCount = peerCount;
  }
}
