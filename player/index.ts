// The whole public API of the player: the plugin for a page's own hls.js and the custom element.
// Safe to import without a `window`; nothing is registered before `defineShoalPlayer()`.

export type { PeerMode, ShoalConfig } from './config.ts';
export { createShoalHls, type ShoalHls, type ShoalHlsConfig } from './create-shoal-hls.ts';
export { defineShoalPlayer, shoalPlayerTagName } from './define-shoal-player.ts';
export { ShoalPlayer } from './shoal-player.ts';
export type { ShoalSession } from './shoal-session.ts';
export type { PlayerStats } from './stats.ts';
export type { PlaybackFailure, PlaybackState } from './ui/playback-state.ts';
