// What a player says about itself: the snapshot behind `element.stats`, `hls.shoal.stats` and
// the `shoal-stats` event. The meter makes it, the overlay shows it, the reporter sends it on.

/** Counters since load; bytes are those of media given to the player, by source. */
export interface PlayerStats {
  readonly cdnBytes: number;
  readonly peerBytes: number;
  readonly uploadedBytes: number;
  /** Received but never played: duplicates, aborted transfers, wrong digests. */
  readonly discardedBytes: number;
  /** `peerBytes / (peerBytes + cdnBytes)`, `null` before any byte. */
  readonly offloadRatio: number | null;
  /** Peers connected now in the swarm of the current rendition. */
  readonly peerCount: number;
  readonly stallCount: number;
  readonly stallSeconds: number;
  /** From load to the first frame, `null` before it. */
  readonly startupSeconds: number | null;
  /** Distance of the play head from now by EXT-X-PROGRAM-DATE-TIME, `null` if unknown or VOD. */
  readonly liveLatencySeconds: number | null;
  /** Name of the rendition being loaded, as in its playlist URL, `null` before the first. */
  readonly rendition: string | null;
}
