// Loads the exchange of whole segments, where it is needed. The builds that are one file have no late
// parts: `linked-p2p-media-loader.ts` stands in for this file there.

import type { P2pMediaLoaderModule } from './p2p-media-loader-exchange.ts';

export async function loadP2pMediaLoader(): Promise<P2pMediaLoaderModule> {
  return import('./p2p-media-loader.ts');
}
