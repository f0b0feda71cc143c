// How far the play head is behind real time. EXT-X-PROGRAM-DATE-TIME tells it exactly when the
// viewer's clock is right; hls.js's distance from the edge tells it roughly whatever the clock.

/** What is needed of hls.js; `latency` is its distance from the live edge in seconds. */
export interface LatencySource {
  readonly latency: number;
  readonly playingDate: Date | null;
  readonly latestLevelDetails: { readonly live: boolean } | null;
}

/** A clock that makes a difference of more than this is not believed. */
const maxClockErrorSeconds = 10;

/** Seconds between capture and play, `null` when nothing live is played. */
export function liveLatencySeconds(source: LatencySource, nowEpochMs: number): number | null {
  if (!source.latestLevelDetails?.live) return null;
  const edgeSeconds = source.latency;
  const byDate =
    source.playingDate === null ? null : (nowEpochMs - source.playingDate.getTime()) / 1_000;
  if (byDate !== null && byDate >= 0 && Math.abs(byDate - edgeSeconds) <= maxClockErrorSeconds)
    return byDate;
  return edgeSeconds > 0 ? edgeSeconds : null;
}
