// Loads one more playlist than hls.js has asked for, by its own loader. The playlist loaders of this
// folder ask other renditions with it.

import type { Loader, LoaderConfiguration, PlaylistLoaderContext } from 'hls.js';

export interface PlaylistText {
  /** Where it came from, behind all redirections. */
  readonly url: string;
  readonly text: string;
}

/** `null` when it cannot be had. A loader that is destroyed meanwhile never answers. */
export function loadPlaylistText(
  loader: Loader<PlaylistLoaderContext>,
  context: PlaylistLoaderContext,
  configuration: LoaderConfiguration,
): Promise<PlaylistText | null> {
  return new Promise((resolve) => {
    const settle = (playlist: PlaylistText | null): void => {
      resolve(playlist);
      loader.destroy();
    };
    loader.load(context, configuration, {
      onSuccess: ({ data, url }) =>
        settle(typeof data === 'string' ? { url: url || context.url, text: data } : null),
      onError: () => settle(null),
      onTimeout: () => settle(null),
      onAbort: () => settle(null),
    });
  });
}
