// Shows the segment store to p2p-media-loader's core as the storage that it expects. The core
// reads from it what it announces and serves, and writes into it what peers have delivered.

import type { SegmentStorage } from 'p2p-media-loader-core';
import type { MediaSegment } from '../media-segment.ts';
import type { SegmentStore } from '../segment-store.ts';

export interface StoreAdapterOptions {
  readonly store: SegmentStore;
  /** Segments of the current playlist; only these are announced. */
  readonly segments: () => Iterable<MediaSegment>;
  /** The segment is on its way from the CDN: the core must not ask peers for it too. */
  readonly isBeingFetched: (segment: MediaSegment) => boolean;
  readonly onReceived: (segment: MediaSegment, bytes: ArrayBuffer) => void;
}

export class StoreAdapter implements SegmentStorage {
  readonly #options: StoreAdapterOptions;
  #changed: ((streamId: string) => void) | null = null;
  #streamId: string | null = null;

  constructor(options: StoreAdapterOptions) {
    this.#options = options;
  }

  /** Makes the core announce what the store holds now. */
  notifyChanged(): void {
    if (this.#streamId !== null) this.#changed?.(this.#streamId);
  }

  async initialize(): Promise<void> {}

  onPlaybackUpdated(): void {}

  onSegmentRequested(_swarmId: string, streamId: string): void {
    this.#streamId = streamId;
  }

  async storeSegment(
    _swarmId: string,
    streamId: string,
    mediaSequenceNumber: number,
    bytes: ArrayBuffer,
  ): Promise<void> {
    const segment = this.#find(mediaSequenceNumber);
    if (!segment) return;
    this.#options.onReceived(segment, bytes);
    this.#changed?.(streamId);
  }

  async getSegmentData(
    _swarmId: string,
    _streamId: string,
    mediaSequenceNumber: number,
  ): Promise<ArrayBuffer | undefined> {
    const segment = this.#find(mediaSequenceNumber);
    return segment && this.#options.store.serve(segment.url);
  }

  getUsage(): { totalCapacity: number; usedCapacity: number } {
    // The store evicts by itself; a full one must not make the core stop exchanging.
    return { totalCapacity: this.#options.store.limitBytes, usedCapacity: 0 };
  }

  hasSegment(_swarmId: string, _streamId: string, mediaSequenceNumber: number): boolean {
    const segment = this.#find(mediaSequenceNumber);
    if (segment === undefined) return false;
    return this.#options.store.has(segment.url) || this.#options.isBeingFetched(segment);
  }

  getStoredSegmentIds(): number[] {
    const ids: number[] = [];
    if (!this.#options.store.canServe) return ids;
    for (const segment of this.#options.segments()) {
      if (this.#options.store.has(segment.url)) ids.push(segment.mediaSequenceNumber);
    }
    return ids;
  }

  setSegmentChangeCallback(callback: (streamId: string) => void): void {
    this.#changed = callback;
  }

  destroy(): void {
    this.#changed = null;
  }

  #find(mediaSequenceNumber: number): MediaSegment | undefined {
    for (const segment of this.#options.segments()) {
      if (segment.mediaSequenceNumber === mediaSequenceNumber) return segment;
    }
    return undefined;
  }
}
