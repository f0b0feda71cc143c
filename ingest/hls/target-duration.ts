// Pure: EXT-X-TARGETDURATION (RFC 8216 §4.3.3.1) and what follows from it for segments.
// The packager cuts by it, the playlists state it.

/** The constant of every playlist of a broadcast: whole seconds, at least the keyframe distance. */
export function targetDurationSeconds(segmentSeconds: number): number {
  return Math.ceil(segmentSeconds);
}

/** Longest duration that still rounds to the target duration, at the precision of EXTINF. */
export function longestSegmentSeconds(segmentSeconds: number): number {
  return targetDurationSeconds(segmentSeconds) + 0.499;
}
