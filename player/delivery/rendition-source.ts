// What brings the segments of one rendition, by whatever exchange: hybrid-delivery holds one per
// rendition and does not care which.

import type { DeliveredSegment } from './delivery-events.ts';
import type { MediaSegment, RenditionPlaylist } from './media-segment.ts';
import type { PeerSettings } from './peer-settings.ts';
import type { OnArriving } from './segment-progress.ts';

export interface RenditionSource {
  readonly peerCount: number;
  /** Joins the swarm or leaves it; playback goes on either way. */
  allowPeers(isAllowed: boolean): void;
  /** As far as the exchange can: what it cannot do it leaves as it is. */
  configurePeers(settings: PeerSettings): void;
  updatePlaylist(playlist: RenditionPlaylist): void;
  updatePlayhead(positionSeconds: number): void;
  /** `false` for a rendition that was switched away from: it serves what it has, fetches nothing. */
  setActive(isActive: boolean): void;
  /** Whether `load` can bring this segment; what is not exchanged comes straight from the CDN. */
  canLoad(segment: MediaSegment): boolean;
  /**
   * The segment, for the player.
   * @param onArriving told of what is there before the whole is, where that is known
   * @param isAtStart playback begins within it
   * @throws CdnError when the CDN cannot deliver either; `AbortError` when `signal` aborts
   */
  load(
    segment: MediaSegment,
    signal: AbortSignal,
    onArriving?: OnArriving,
    isAtStart?: boolean,
  ): Promise<DeliveredSegment>;
  close(): void;
}
