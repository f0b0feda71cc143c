// What the quality guard is shown once a second: counters of delivery and playback beside what
// hls.js knows of the CDN. The session asks for it, peer-control passes it on.

import type Hls from 'hls.js';
import type { GuardObservation } from './guard/quality-guard.ts';
import type { DeliveryMeter, PlaybackTotals } from './telemetry/index.ts';

/** The next rendition would need no more than this share of the CDN's measured speed. */
const comfortableShare = 0.6;
/** Round trips before the first picture: playlists, init section, segment. */
const startRoundTrips = 4;

export function guardObservation(
  hls: Hls,
  meter: DeliveryMeter,
  playback: PlaybackTotals,
  nowMs: number,
): GuardObservation {
  const { cdnBytes, peerBytes } = meter.totals;
  return {
    nowMs,
    isSharing: meter.peerCount > 0,
    stallCount: playback.stallCount,
    deviceStallCount: playback.deviceStallCount,
    stallSeconds: playback.stallSeconds,
    deliveredBytes: cdnBytes + peerBytes,
    hedgedBytes: meter.troubles.lateBytes,
    cdnTroubleCount: meter.troubles.cdnTroubleCount,
    startupSeconds: playback.startupSeconds,
    cdnStartupSeconds: cdnStartupSeconds(hls),
    isBelowCdnQuality: isBelowCdnQuality(hls),
  };
}

function cdnStartupSeconds(hls: Hls): number | null {
  const level = hls.levels[hls.currentLevel];
  const segmentSeconds = level?.details?.targetduration;
  const { bandwidthEstimate, ttfbEstimate } = hls;
  if (!level || !segmentSeconds || !(bandwidthEstimate > 0)) return null;
  const segmentBits = level.bitrate * segmentSeconds;
  return (startRoundTrips * (ttfbEstimate || 0)) / 1_000 + segmentBits / bandwidthEstimate;
}

function isBelowCdnQuality(hls: Hls): boolean {
  const { currentLevel, maxAutoLevel, bandwidthEstimate } = hls;
  if (!hls.autoLevelEnabled || currentLevel < 0 || currentLevel >= maxAutoLevel) return false;
  const next = hls.levels[currentLevel + 1];
  return next !== undefined && next.bitrate < comfortableShare * bandwidthEstimate;
}
