// Where the live edge is and how far behind it the viewer watches, in words.
// Pure; `live-badge.ts` shows it and jumps there.

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

/** End of the last seekable range in seconds, or `null` without one. */
export function seekableEndSeconds(media: Pick<HTMLMediaElement, 'seekable'>): number | null {
  const { seekable } = media;
  return seekable.length > 0 ? seekable.end(seekable.length - 1) : null;
}
