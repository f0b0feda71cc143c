// Where the live edge is, how far behind it the viewer watches, in words, and whether there is a
// window to go back in. Pure; the element and its controls use it.

import { formatSeconds } from './format.ts';

/** Closer than this to the edge counts as live: a player drifts by about a segment. */
export const liveToleranceSeconds = 4;

export interface LiveBadgeModel {
  readonly isAtEdge: boolean;
  readonly text: string;
  readonly label: string;
}

/** @param behindSeconds distance of the play head from the position where live playback is held */
export function liveBadgeModel(behindSeconds: number): LiveBadgeModel {
  if (behindSeconds < liveToleranceSeconds) {
    return { isAtEdge: true, text: 'Live', label: 'Playing live' };
  }
  const distance = formatSeconds(behindSeconds);
  return {
    isAtEdge: false,
    text: `−${distance}`,
    label: `${distance} behind live. Jump to live`,
  };
}

/** A live window of at least this length is worth a seek bar. */
export const dvrWindowSeconds = 30;

/** How the seek bar is used: not at all while live without a window to go back in. */
export type Timeline = 'live' | 'dvr' | 'recording' | 'unknown';

/** @param liveWindowSeconds what the element offers to go back, 0 nothing */
export function timelineOf(
  streamType: 'live' | 'on-demand' | 'unknown',
  liveWindowSeconds: number,
): Timeline {
  if (streamType === 'unknown') return 'unknown';
  if (streamType === 'on-demand') return 'recording';
  return liveWindowSeconds > 0 ? 'dvr' : 'live';
}
