// The entry of `shoal-p2p-media-loader.js`, which the builds that are one file load for recordings, and on
// pages that exchange whole segments as p2p-media-loader does.

export * from './delivery/exchange/p2p-media-loader.ts';
