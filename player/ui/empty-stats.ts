// The statistics of a player that has delivered nothing yet, or plays without hls.js.
// `element.stats` gives it until a session has its own.

import type { PlayerStats } from '../stats.ts';

export const emptyStats: PlayerStats = {
  cdnBytes: 0,
  peerBytes: 0,
  uploadedBytes: 0,
  discardedBytes: 0,
  offloadRatio: null,
  peerCount: 0,
  stallCount: 0,
  stallSeconds: 0,
  startupSeconds: null,
  liveLatencySeconds: null,
  rendition: null,
};
