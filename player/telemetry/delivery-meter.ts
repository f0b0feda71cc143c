// Counts what delivery reports: bytes by source, discarded, uploaded, and the neighbours of the
// moment. Pure; the session makes stats and beacons from it.

import {
  maxReportedPeers,
  offloadRatio,
  type PeerTraffic,
  shortPeerId,
} from '@shoal/tracker/protocol';

export interface DeliveryTotals {
  readonly cdnBytes: number;
  readonly peerBytes: number;
  readonly uploadedBytes: number;
  readonly discardedBytes: number;
  /** Received through TURN servers, in `peerBytes` as far as it was played. */
  readonly relayedBytes: number;
}

/** Neighbours that come and go between two beacons; more is no swarm of ours. */
const maxNeighbours = 256;

export class DeliveryMeter {
  #cdnBytes = 0;
  #peerBytes = 0;
  #uploadedBytes = 0;
  #discardedBytes = 0;
  #relayedBytes = 0;
  #peerCount = 0;
  #lateBytes = 0;
  #cdnTroubleCount = 0;
  readonly #fetchedBytes = new Map<string, number>();
  #exchanged = new Map<string, PeerTraffic>();

  get totals(): DeliveryTotals {
    return {
      cdnBytes: this.#cdnBytes,
      peerBytes: this.#peerBytes,
      uploadedBytes: this.#uploadedBytes,
      discardedBytes: this.#discardedBytes,
      relayedBytes: this.#relayedBytes,
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

  onRelayed(sizeBytes: number): void {
    this.#relayedBytes += sizeBytes;
  }

  onUploaded(sizeBytes: number): void {
    this.#uploadedBytes += sizeBytes;
  }

  /** Late pieces and the CDN's own trouble, for the quality guard and for beacons. */
  get troubles(): { readonly lateBytes: number; readonly cdnTroubleCount: number } {
    return { lateBytes: this.#lateBytes, cdnTroubleCount: this.#cdnTroubleCount };
  }

  /** Pieces that came from the CDN, by the reason for which they were fetched there. */
  get fetchedBytes(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#fetchedBytes);
  }

  onCdnTrouble(): void {
    this.#cdnTroubleCount += 1;
  }

  /** @param reason why it was fetched from the CDN; a hedge is for what peers owed */
  onFetch(reason: string, sizeBytes: number): void {
    this.#fetchedBytes.set(reason, (this.#fetchedBytes.get(reason) ?? 0) + sizeBytes);
    if (reason === 'hedge') this.#lateBytes += sizeBytes;
  }

  onExchanged(peerId: string, receivedBytes: number, sentBytes: number): void {
    const id = shortPeerId(peerId);
    if (id === null) return;
    const known = this.#exchanged.get(id);
    if (known === undefined && this.#exchanged.size >= maxNeighbours) return;
    this.#exchanged.set(id, {
      id,
      receivedBytes: (known?.receivedBytes ?? 0) + receivedBytes,
      sentBytes: (known?.sentBytes ?? 0) + sentBytes,
    });
  }

  /** Traffic with neighbours since the last call, the strongest first. */
  takeExchanged(): readonly PeerTraffic[] {
    const exchanged = [...this.#exchanged.values()];
    this.#exchanged = new Map();
    return exchanged
      .sort((a, b) => b.receivedBytes + b.sentBytes - a.receivedBytes - a.sentBytes)
      .slice(0, maxReportedPeers);
  }

  onPeerCount(peerCount: number): void {
    this.#peerCount = peerCount;
  }
}
