// The plugin: an hls.js instance of the page's own class whose segments come through Shoal.
// The page keeps its hls.js, its configuration and its player around it.

import type Hls from 'hls.js';
import type { HlsConfig } from 'hls.js';
import type { ShoalConfig } from './config.ts';
import { makeFragmentLoader } from './delivery/hls/fragment-loader.ts';
import { HlsSession, type ShoalSession } from './shoal-session.ts';

/** hls.js's configuration and Shoal's beside it. */
export interface ShoalHlsConfig extends Partial<HlsConfig> {
  readonly shoal?: ShoalConfig;
}

export type ShoalHls = Hls & { readonly shoal: ShoalSession };

/**
 * An instance of `HlsClass` that loads segments from peers and CDN. Playback never needs the peers:
 * without WebRTC or tracker it is plain hls.js with counters. `destroy()` frees everything.
 * @param config `fLoader` is Shoal's and is replaced
 */
export function createShoalHls(HlsClass: typeof Hls, config: ShoalHlsConfig): ShoalHls {
  const { shoal = {}, ...hlsConfig } = config;
  const session = new HlsSession(shoal);
  const hls = new HlsClass({ ...hlsConfig, fLoader: makeFragmentLoader(session) });
  session.attach(hls, HlsClass);
  const view: ShoalSession = session;
  return Object.assign(hls, { shoal: view });
}
