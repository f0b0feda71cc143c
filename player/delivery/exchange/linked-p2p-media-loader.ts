// Stands in for `load-p2p-media-loader.ts` in builds that are one file: it loads
// `shoal-p2p-media-loader.js` from where that file came from.

import { scriptUrl } from '../script-url.ts';
import type { P2pMediaLoaderModule } from './p2p-media-loader-exchange.ts';

const fileName = 'shoal-p2p-media-loader.js';

export async function loadP2pMediaLoader(): Promise<P2pMediaLoaderModule> {
  return import(/* @vite-ignore */ new URL(fileName, scriptUrl).href);
}
