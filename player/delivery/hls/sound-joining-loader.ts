// Stands around the playlist loader of an hls.js that plays no sound apart from the pictures: it loads
// the sound's playlist beside a level's and gives hls.js one with both (`joined-sound/joined-load.ts`).

import type {
  HlsConfig,
  Loader,
  LoaderCallbacks,
  LoaderConfiguration,
  PlaylistLoaderConstructor,
  PlaylistLoaderContext,
} from 'hls.js';
import type { JoinedSound } from './joined-sound.ts';

export interface PlaylistLoaders {
  /** What loads the playlists of levels. */
  readonly Level: PlaylistLoaderConstructor;
  readonly Sound: PlaylistLoaderConstructor;
}

/** The class to pass to hls.js as `pLoader`. */
export function makeSoundJoiningLoader(
  { Level, Sound }: PlaylistLoaders,
  joinedSound: JoinedSound,
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
      const url = isLevel ? joinedSound.trackOf(context.url)?.url : null;
      if (!url) {
        super.load(context, configuration, callbacks);
        return;
      }
      const loader = new Sound(this.#config);
      this.#soundLoader = loader;
      joinedSound.loadJoiner().then(
        ({ joinedLoad }) => {
          if (this.#isOver) return;
          const isOver = (): boolean => this.#isOver;
          const sound = { url, loader };
          super.load(
            context,
            configuration,
            joinedLoad(sound, { context, configuration, callbacks, isOver }),
          );
        },
        (error) => callbacks.onError({ code: 0, text: String(error) }, context, null, this.stats),
      );
    }

    override abort(): void {
      this.#end();
      super.abort();
    }

    override destroy(): void {
      this.#end();
      super.destroy();
    }

    #end(): void {
      this.#isOver = true;
      this.#soundLoader?.destroy();
      this.#soundLoader = null;
    }
  };
}
