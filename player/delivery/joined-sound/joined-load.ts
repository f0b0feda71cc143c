// Loads the playlist of the sound beside a level's and joins the two. The playlist loader hands its
// callbacks over and loads the level with those that it gets back.

import type { Loader, LoaderCallbacks, LoaderConfiguration, PlaylistLoaderContext } from 'hls.js';
import { loadPlaylistText } from '../hls/playlist-text.ts';
import { withSound } from './sound-in-playlist.ts';

export interface LevelLoad {
  readonly context: PlaylistLoaderContext;
  readonly configuration: LoaderConfiguration;
  readonly callbacks: LoaderCallbacks<PlaylistLoaderContext>;
  /** Whether hls.js has given it up. */
  readonly isOver: () => boolean;
}

/** What a reload asks for (RFC 8216bis §6.2.5.2): the sound has the same numbers. */
const directives = ['_HLS_msn', '_HLS_part'] as const;

function reloadUrl(soundUrl: string, levelUrl: string): string {
  const wanted = new URL(levelUrl, globalThis.location?.href).searchParams;
  const url = new URL(soundUrl, globalThis.location?.href);
  for (const name of directives) {
    const value = wanted.get(name);
    if (value !== null) url.searchParams.set(name, value);
  }
  return url.href;
}

/** The callbacks for the load of the level; hls.js's own are called when both are there. */
export function joinedLoad(
  sound: { readonly url: string; readonly loader: Loader<PlaylistLoaderContext> },
  { context, configuration, callbacks, isOver }: LevelLoad,
): LoaderCallbacks<PlaylistLoaderContext> {
  const url = reloadUrl(sound.url, context.url);
  const loading = loadPlaylistText(sound.loader, { ...context, url }, configuration);
  return {
    ...callbacks,
    onSuccess: (response, stats, loaded, network) => {
      void loading.then((playlist) => {
        if (isOver()) return;
        const data = playlist && withSound(String(response.data), playlist);
        const error = { code: 0, text: `no sound at ${url}` };
        if (data) callbacks.onSuccess({ ...response, data }, stats, loaded, network);
        else callbacks.onError(error, loaded, network, stats);
      });
    },
  };
}
