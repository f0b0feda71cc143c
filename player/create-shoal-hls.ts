// The plugin: hls.js of the page's own class whose segments come through Shoal. The page keeps its
// hls.js, its configuration and its player around it; `shoal-session.ts` does the work.

import type Hls from 'hls.js';
import type { HlsConfig, PlaylistLoaderConstructor } from 'hls.js';
import type { ShoalConfig } from './config.ts';
import { makeEndCheckingLoader } from './delivery/hls/end-checking-loader.ts';
import { makeFragmentLoader } from './delivery/hls/fragment-loader.ts';
import { LevelEnds } from './delivery/hls/level-ends.ts';
import { makePlaylistLoader } from './delivery/hls/playlist-loader.ts';
import type { ShoalSession } from './session.ts';
import { HlsSession } from './shoal-session.ts';

/** hls.js's configuration and Shoal's beside it; `fLoader` is Shoal's and is replaced. */
export interface ShoalHlsConfig extends Partial<HlsConfig> {
  readonly shoal?: ShoalConfig;
}

export type ShoalHls = Hls & { readonly shoal: ShoalSession };

export type ShoalHlsClass = (new (config?: ShoalHlsConfig) => ShoalHls) & typeof Hls;

/**
 * A class to give to players that make their hls.js themselves: it is the page's own hls.js, full or
 * light, whose instances load segments from peers and CDN and have `shoal`.
 * @param shoal for all instances; `config.shoal` of an instance goes before it
 */
export function makeShoalHlsClass(HlsClass: typeof Hls, shoal: ShoalConfig = {}): ShoalHlsClass {
  return class ShoalHls extends HlsClass {
    readonly shoal: ShoalSession;

    constructor(config: ShoalHlsConfig = {}) {
      const { shoal: own, ...hlsConfig } = config;
      const session = new HlsSession({ ...shoal, ...own });
      const ends = new LevelEnds();
      const BaseLoader = playlistLoaderOf(HlsClass, hlsConfig, session);
      super({
        ...hlsConfig,
        pLoader: makeEndCheckingLoader(BaseLoader, ends, session.joinedSound),
        fLoader: makeFragmentLoader(session),
      });
      ends.attach(this);
      session.attach(this, HlsClass);
      this.shoal = session;
    }
  };
}

/** The page's own, or Shoal's where playlists are to come over the same CDNs as segments. */
function playlistLoaderOf(
  HlsClass: typeof Hls,
  { pLoader, loader }: Partial<HlsConfig>,
  { fetchPlaylist }: HlsSession,
): PlaylistLoaderConstructor {
  if (pLoader) return pLoader;
  if (fetchPlaylist) return makePlaylistLoader(fetchPlaylist);
  const { DefaultConfig } = HlsClass;
  if (DefaultConfig.pLoader) return DefaultConfig.pLoader;
  // hls.js's loader for everything takes playlists too, which its type does not say.
  return (loader ?? DefaultConfig.loader) as PlaylistLoaderConstructor;
}

/**
 * An instance of `HlsClass` that loads segments from peers and CDN. Playback never needs the peers:
 * without WebRTC or tracker it is plain hls.js with counters. `destroy()` frees everything.
 */
export function createShoalHls(HlsClass: typeof Hls, config: ShoalHlsConfig = {}): ShoalHls {
  return new (makeShoalHlsClass(HlsClass))(config);
}
