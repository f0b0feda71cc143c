// The whole public API of the player: the plugin for a page's own hls.js and the custom element.
// Safe to import without a `window`; nothing is registered before `defineShoalPlayer()`.

export { defineShoalPlayer, shoalPlayerTagName } from './define-shoal-player.ts';
export * from './plugin.ts';
export { ShoalPlayer } from './shoal-player.ts';
export type { PlaybackFailure, PlaybackState } from './ui/playback-state.ts';
