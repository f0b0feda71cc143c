// Stands around the playlist loader of an hls.js that plays no sound apart from the pictures: it loads
// the sound's playlist beside a level's and gives hls.js one with both (`joined-sound`).

import type {
  HlsConfig,
  Loader,
  LoaderCallbacks,
  LoaderConfiguration,
  PlaylistLoaderConstructor,
  PlaylistLoaderContext,
} from 'hls.js';
import type { SoundJoiner } from '../joined-sound/sound-joiner.ts';
import { loadPlaylistText, type PlaylistText } from './playlist-text.ts';

export interface PlaylistLoaders {
  /** What loads the playlists of levels. */
  readonly Level: PlaylistLoaderConstructor;
  readonly Sound: PlaylistLoaderConstructor;
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

/** What the loader needs to know of the sound. */
export interface LevelSound {
  /** The playlist of the sound that a level has apart; `null` when it has none. */
  playlistUrlOf(levelUrl: string): string | null;
  joiner(): Promise<SoundJoiner>;
}

/** The class to pass to hls.js as `pLoader`. */
export function makeSoundJoiningLoader(
  { Level, Sound }: PlaylistLoaders,
  levelSound: LevelSound,
): PlaylistLoaderConstructor {
  return class extends Level {
    readonly #config: HlsConfig;
    #soundLoader: Loader<PlaylistLoaderContext> | null = null;
    #isOver = false;

    constructor(config: HlsConfig) {
      super(config);
      this.#config = config;
    }

    override load(
      context: PlaylistLoaderContext,
      configuration: LoaderConfiguration,
      callbacks: LoaderCallbacks<PlaylistLoaderContext>,
    ): void {
      const isLevel = String(context.type) === 'level';
      const soundUrl = isLevel ? levelSound.playlistUrlOf(context.url) : null;
      if (soundUrl === null) {
        super.load(context, configuration, callbacks);
        return;
      }
      const sound = this.#loadSound(soundUrl, context, configuration);
      const joiner = levelSound.joiner().catch(() => null);
      const onSuccess: typeof callbacks.onSuccess = (response, stats, loaded, network) => {
        void Promise.all([sound, joiner]).then(([playlist, parts]) => {
          // hls.js may have given it up meanwhile.
          if (this.#isOver) return;
          const data = playlist && parts?.withSound(String(response.data), playlist);
          const error = { code: 0, text: `no sound at ${soundUrl}` };
          if (data) callbacks.onSuccess({ ...response, data }, stats, loaded, network);
          else callbacks.onError(error, loaded, network, stats);
        });
      };
      super.load(context, configuration, { ...callbacks, onSuccess });
    }

    override abort(): void {
      this.#end();
      super.abort();
    }

    override destroy(): void {
      this.#end();
      super.destroy();
    }

    #loadSound(
      soundUrl: string,
      context: PlaylistLoaderContext,
      configuration: LoaderConfiguration,
    ): Promise<PlaylistText | null> {
      this.#soundLoader = new Sound(this.#config);
      const url = reloadUrl(soundUrl, context.url);
      return loadPlaylistText(this.#soundLoader, { ...context, url }, configuration);
    }

    #end(): void {
      this.#isOver = true;
      this.#soundLoader?.destroy();
      this.#soundLoader = null;
    }
  };
}
