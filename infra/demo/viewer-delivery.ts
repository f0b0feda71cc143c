// What a headless viewer needs of its delivery: the player's own, or another that a benchmark puts in
// its place to compare.

import type { HybridDelivery } from '@shoal/player/delivery';

export type ViewerDelivery = Pick<
  HybridDelivery,
  | 'allowPeers'
  | 'activate'
  | 'updatePlaylist'
  | 'updatePlayhead'
  | 'load'
  | 'loadFromCdn'
  | 'rendition'
  | 'close'
>;
