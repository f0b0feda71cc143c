// The exchange of whole segments with all that it brings, as one module: recordings and pages that ask
// for `exchange: 'p2p-media-loader'` load it, and late. `shoal-p2p-media-loader.js` beside the builds that
// are one file.

export { Core, generateStreamShortId } from 'p2p-media-loader-core';
export { P2pMediaLoaderExchange } from './p2p-media-loader-exchange.ts';
