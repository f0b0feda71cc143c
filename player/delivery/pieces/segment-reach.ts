// Which segments are gathered and kept around the play head: all that is live, a window of a
// recording. Pure; piece-delivery asks for each segment of the playlist.

import { endSeconds, type MediaSegment, type RenditionPlaylist } from '../media-segment.ts';
import type { PieceSegment } from './piece-segment.ts';

interface Reach {
  readonly behindSeconds: number;
  readonly aheadSeconds: number;
}

/** Segments further behind the play head are of use to nobody who watches live. */
const liveReach: Reach = { behindSeconds: 30, aheadSeconds: Number.POSITIVE_INFINITY };
/** Others are at other places of a recording; ahead as far as hls.js buffers by default. */
const recordingReach: Reach = { behindSeconds: 120, aheadSeconds: 30 };

/** @param positionSeconds of the play head, `null` before it has one */
export function isInReach(
  segment: MediaSegment,
  { isLive }: RenditionPlaylist,
  positionSeconds: number | null,
): boolean {
  if (positionSeconds === null) return isLive;
  const { behindSeconds, aheadSeconds } = isLive ? liveReach : recordingReach;
  return (
    endSeconds(segment) >= positionSeconds - behindSeconds &&
    segment.startSeconds <= positionSeconds + aheadSeconds
  );
}

/** What has been played is kept for others only as far as the device has room: what is beyond it, the oldest. */
export function beyondStore(
  segments: readonly PieceSegment[],
  limitBytes: number,
  positionSeconds: number,
): PieceSegment[] {
  let sizeBytes = 0;
  for (const { root } of segments) sizeBytes += root.sizeBytes;
  const beyond: PieceSegment[] = [];
  for (const segment of [...segments].sort((a, b) => a.number - b.number)) {
    if (sizeBytes <= limitBytes) break;
    const isPlayed = endSeconds(segment.progress.segment) <= positionSeconds;
    if (!isPlayed || segment.progress.isDemanded) continue;
    sizeBytes -= segment.root.sizeBytes;
    beyond.push(segment);
  }
  return beyond;
}
